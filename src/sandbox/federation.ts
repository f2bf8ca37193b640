// The console's federation endpoint, which turns credentials of roles and federated users into a sign-in link.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html

import { randomBytes } from "node:crypto";
import type { Account, Credential, Secret } from "./account.ts";
import { AwsError, notModeled } from "./errors.ts";
import { writeElement } from "./xml.ts";

/** A successful response. */
export interface FederationAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The access key of the credentials that sign in. */
  readonly accessKeyId: string;
}

/** "The URL is valid for 15 minutes from the time it is created." */
const linkMs = 15 * 60_000;

const onlyRoles = "Only federation tokens or assume role tokens may be used for federated login.";

/** The sign-in tokens of one account. */
export class Federation {
  readonly #account: Account;
  readonly #signIns = new Map<string, { credential: Credential; untilMs: number; isUsed: boolean }>();

  constructor(account: Account) {
    this.#account = account;
  }

  secrets(): Secret[] {
    return [...this.#signIns.keys()].map((token) => [token, "sign-in token"]);
  }

  /** Throws AwsError for every request that it rejects. */
  answer(parameters: ReadonlyMap<string, string>): FederationAnswer {
    const action = parameters.get("Action") ?? "";
    const known = { getSigninToken: ["Session", "SessionDuration"], login: ["Issuer", "Destination", "SigninToken"] };
    if (action !== "getSigninToken" && action !== "login") throw notModeled("this action of the federation endpoint");
    const other = [...parameters.keys()].find((name) => name !== "Action" && !known[action].includes(name));
    if (other !== undefined) throw notModeled(`the parameter ${other} of ${action}`);
    return action === "login" ? this.#login(parameters) : this.#signInToken(parameters);
  }

  #signInToken(parameters: ReadonlyMap<string, string>): FederationAnswer {
    const credential = this.#credential(parameters.get("Session") ?? "");
    if (!["role", "federated"].includes(credential.session?.kind ?? "")) throw makeInvalidRequest(onlyRoles);
    checkDuration(parameters.get("SessionDuration"), credential);
    // 3n + 1 bytes, so the token ends in "==": clients must encode that, "+" and "/" in the link.
    const token = randomBytes(301).toString("base64");
    this.#signIns.set(token, { credential, untilMs: this.#account.now() + linkMs, isUsed: false });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ SigninToken: token });
    return { status: 200, headers, body, accessKeyId: credential.accessKeyId };
  }

  #credential(session: string): Credential {
    const { sessionId, sessionKey, sessionToken } = readSession(session);
    const credential = this.#account.credential(sessionId);
    const isRight = credential?.secretAccessKey === sessionKey && credential.session?.token === sessionToken;
    if (!isRight || !isValid(credential, this.#account.now()))
      throw makeInvalidRequest("Invalid credentials parameter");
    return credential;
  }

  #login(parameters: ReadonlyMap<string, string>): FederationAnswer {
    const signIn = this.#signIns.get(parameters.get("SigninToken") ?? "");
    const nowMs = this.#account.now();
    if (signIn === undefined || signIn.isUsed || nowMs >= signIn.untilMs || !isValid(signIn.credential, nowMs)) {
      throw makeInvalidRequest("Invalid or expired sign-in token");
    }
    const location = readUrl(parameters.get("Destination") ?? "");
    signIn.isUsed = true;
    // Shows who signed in. A real console's cookies are credentials, but there is no console here.
    const cookie = `aws-userInfo=${encodeURIComponent(JSON.stringify({ arn: signIn.credential.principal.arn }))}`;
    const headers = { location, "set-cookie": `${cookie}; Path=/; HttpOnly`, "content-type": "text/html" };
    return { status: 302, headers, body: "", accessKeyId: signIn.credential.accessKeyId };
  }
}

/**
 * 15 minutes to 12 hours. "Do not use the SessionDuration HTTP parameter when you get temporary credentials through role
 * chaining. The operation will fail." Nor "if you got the temporary credentials with GetFederationToken".
 */
function checkDuration(text: string | undefined, { session }: Credential): void {
  if (text === undefined) return;
  const isInRange = /^\d{1,5}$/.test(text) && Number(text) >= 900 && Number(text) <= 43_200;
  if (!isInRange || session?.isChained || session?.kind === "federated")
    throw makeInvalidRequest("Invalid credentials parameter");
}

function isValid(credential: Credential, nowMs: number): boolean {
  return credential.active && credential.session !== undefined && nowMs < credential.session.expiresMs;
}

function readSession(text: string): { sessionId: string; sessionKey: string; sessionToken: string } {
  try {
    const { sessionId, sessionKey, sessionToken } = JSON.parse(text) as Record<string, unknown>;
    return { sessionId: String(sessionId), sessionKey: String(sessionKey), sessionToken: String(sessionToken) };
  } catch {
    throw makeInvalidRequest("Session is not the JSON of credentials");
  }
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") throw makeInvalidRequest("Destination is not a URL");
  return url.href;
}

function makeInvalidRequest(message: string): AwsError {
  return new AwsError("InvalidRequest", 400, message);
}

/** AWS shows errors on an HTML page; programs can only use the status. */
export function writeErrorPage(error: AwsError): string {
  return `<!DOCTYPE html><html><body>${writeElement("p", error.message)}</body></html>\n`;
}
