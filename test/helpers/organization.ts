// A stand-in for AWS with several accounts: AWS Organizations' ListAccounts, and AssumeRole of a role in each of them.
// Every other request goes to the local AWS of the account that its access key is of, as it came.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Sandbox } from "../../src/sandbox/server.ts";

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** One account of the organization. */
export interface Member {
  readonly id: string;
  readonly state: string;
  /** Its local AWS, and what AssumeRole gives there. Without it AssumeRole is refused. */
  readonly at?: { readonly sandbox: Sandbox; readonly credentials: Credentials };
}

/** What was asked, with the access key that asked it. */
interface Asked {
  readonly action: string;
  readonly accessKeyId: string;
  readonly account: string;
}

/** @param caller the account that every other access key is of */
export async function startOrganization(caller: Sandbox, members: readonly Member[]) {
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const body = Buffer.concat(parts);
      const accessKeyId = /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? "")?.[1] ?? "";
      const target = String(incoming.headers["x-amz-target"] ?? "");
      const form = new URLSearchParams(target === "" ? body.toString() : "");
      const owner = members.find(({ at }) => at?.credentials.accessKeyId === accessKeyId)?.at?.sandbox ?? caller;
      const action = target === "" ? (form.get("Action") ?? "") : target.replace(/^.*\./, "");
      asked.push({ action, accessKeyId, account: owner.account });
      if (action === "ListAccounts") listAccounts(members, body.toString(), outgoing);
      else if (action === "AssumeRole") assumeRole(members, form.get("RoleArn") ?? "", outgoing);
      else passOn(owner, incoming, body, outgoing);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** With its own Host header, which is signed. */
function passOn({ url: base }: Sandbox, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming;
  const passed = request({ host: "127.0.0.1", port: new URL(base).port, method, path: url, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(outgoing);
  });
  passed.end(body);
}

/** A page for each account, and one without any before them. */
function listAccounts(members: readonly Member[], body: string, outgoing: ServerResponse): void {
  const { NextToken: token } = JSON.parse(body) as { readonly NextToken?: string };
  const index = token === undefined ? -1 : Number(token);
  const page = members
    .slice(index, index + 1)
    .map(({ id, state }) => ({ Id: id, Name: `name of ${id}`, State: state }));
  const next = index + 1 < members.length ? String(index + 1) : null;
  outgoing.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
  outgoing.end(JSON.stringify({ Accounts: index < 0 ? [] : page, NextToken: next }));
}

function assumeRole(members: readonly Member[], arn: string, outgoing: ServerResponse): void {
  const at = members.find(({ id }) => arn === `arn:aws:iam::${id}:role/auditor`)?.at;
  outgoing.writeHead(at === undefined ? 403 : 200, { "content-type": "text/xml" });
  if (at === undefined) {
    const message = `not authorized to perform: sts:AssumeRole on resource: ${arn}`;
    const error = `<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error>`;
    outgoing.end(`<ErrorResponse>${error}</ErrorResponse>`);
    return;
  }
  const { accessKeyId, secretAccessKey, sessionToken } = at.credentials;
  const expiration = new Date(Date.now() + 3_600_000).toISOString();
  const given = [
    `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>`,
    `<SessionToken>${sessionToken}</SessionToken><Expiration>${expiration}</Expiration>`,
  ].join("");
  const result = `<AssumeRoleResult><Credentials>${given}</Credentials></AssumeRoleResult>`;
  outgoing.end(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</AssumeRoleResponse>`);
}
