// Who the AWS SDK for JavaScript finds itself to be, by its default chain, or by the provider that is asked for.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromProcess } from "@aws-sdk/credential-providers";

const client = new STSClient(process.argv[2] === "fromProcess" ? { credentials: fromProcess() } : {});
const { accessKeyId } = await client.config.credentials();
const { Arn } = await client.send(new GetCallerIdentityCommand({}));
console.log(accessKeyId, Arn);
