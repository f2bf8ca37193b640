// A call as any program makes it, with an SDK client and a profile, and without fob. Slow to load: import() it.
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { fromIni } from "@aws-sdk/credential-providers";
import { withoutNotice } from "../aws/notice.ts";

/** Lists the caller's buckets, with the credentials that the SDK finds in the profile. */
export async function callEveryday(options: {
  credentials: string;
  config: string;
  profile: string;
  endpoint: string;
}): Promise<string[]> {
  const client = withoutNotice(
    () =>
      new S3Client({
        credentials: fromIni({
          profile: options.profile,
          filepath: options.credentials,
          configFilepath: options.config,
          ignoreCache: true,
        }),
        endpoint: options.endpoint,
        forcePathStyle: true,
        useFipsEndpoint: false,
        useDualstackEndpoint: false,
        region: "eu-central-1",
      }),
  );
  try {
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    return Buckets.flatMap(({ Name }) => Name ?? []);
  } finally {
    client.destroy();
  }
}
