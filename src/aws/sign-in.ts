// The console's sign-in service, which the SDK does not know. Heavy: import() it, and only when AWS is really called.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
import { HttpRequest } from "@smithy/core/protocols";
import type { Connection } from "./connection.ts";
import { AwsFailure } from "./failures.ts";
import { requestHandler } from "./http.ts";

/**
 * A token with which a browser is signed in to the console, from the caller's own credentials.
 *
 * @param federation the service's address
 * @param duration length of the console's session, in seconds; not for roles that another role or a session has asked for
 */
export async function getSignInToken(aws: Connection, federation: URL, duration: number | undefined): Promise<string> {
  const { accessKeyId, secretAccessKey, sessionToken } = aws.access.credentials;
  const request = new HttpRequest({
    method: "GET",
    protocol: federation.protocol,
    hostname: federation.hostname,
    ...(federation.port === "" ? {} : { port: Number(federation.port) }),
    path: federation.pathname,
    query: {
      Action: "getSigninToken",
      ...(duration === undefined ? {} : { SessionDuration: String(duration) }),
      Session: JSON.stringify({ sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken }),
    },
    headers: { host: federation.host },
  });
  return await aws.call({ service: "signin", name: "signin:GetSigninToken", kind: "write" }, async (abortSignal) => {
    const { response } = await requestHandler(aws, "write").handle(request, { abortSignal });
    return readToken(response.statusCode, Buffer.from(response.body as Uint8Array).toString("utf8"));
  });
}

function readToken(status: number, text: string): string {
  if (status === 200) {
    const { SigninToken } = parse(text) as { SigninToken?: unknown };
    if (typeof SigninToken === "string") return SigninToken;
  }
  throw new AwsFailure(
    status === 400 ? "refused" : "server error",
    `AWS's sign-in service rejected these credentials (HTTP ${status})`,
    "it accepts role credentials that have not expired; check them: fob status",
  );
}

function parse(text: string): object {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
