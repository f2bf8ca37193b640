// Whether STS can be reached, and what time it is there. Nothing secret is sent. Heavy: import() it.
import { HttpRequest } from "@smithy/core/protocols";
import type { Connection } from "./connection.ts";
import { AwsFailure } from "./failures.ts";
import { requestHandler } from "./http.ts";
import { getDnsSuffix } from "./partitions.ts";

/**
 * Asks for STS's own page, without a signature: any answer will do.
 *
 * @returns how far this computer's clock is ahead of the answer's `Date`, in milliseconds; undefined where it has none
 * @throws FobError where there is no way to STS
 */
export async function probeSts(aws: Connection): Promise<number | undefined> {
  const url = findUrl(aws);
  const request = new HttpRequest({
    ...{
      method: "GET",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host },
    },
    ...(url.port === "" ? {} : { port: Number(url.port) }),
  });
  const { response } = await aws.call(
    { service: "sts", name: "a request without a signature", kind: "read" },
    (abortSignal) => requestHandler(aws, "read").handle(request, { abortSignal }),
  );
  const date = Date.parse(response.headers.date ?? "");
  return Number.isNaN(date) ? undefined : aws.now() - date;
}

/** https://docs.aws.amazon.com/general/latest/gr/sts.html */
function findUrl(aws: Connection): URL {
  const { endpoints, useFips, useDualstack } = aws.access;
  if (endpoints.sts !== undefined) return new URL(endpoints.sts);
  if (useDualstack) throw new AwsFailure("refused", "fob does not know the dual-stack endpoints of STS", []);
  const region = aws.regionFor("sts");
  if (region === "aws-global") return new URL("https://sts.amazonaws.com/");
  return new URL(`https://sts${useFips ? "-fips" : ""}.${region}.${getDnsSuffix(region)}/`);
}
