// Who the AWS SDK for JavaScript finds itself to be, by its default chain.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const client = new STSClient({});
const { accessKeyId } = await client.config.credentials();
const { Arn } = await client.send(new GetCallerIdentityCommand({}));
console.log(accessKeyId, Arn);
