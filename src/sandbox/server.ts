// A local AWS on the loopback interface for one account, on one port: STS, IAM, what shows that MFA is enforced and that
// sign-ins are watched (AWS Config, CloudTrail, EventBridge, CloudWatch, SNS), a little of S3 and the console's federation
// endpoint.
//
// With it, you can try and test fob without an AWS account. Tests fail where AWS would reject a request: it really checks
// signatures, codes and policies, and rejects anything it does not model.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Account,
  type AccountPasswordPolicy,
  type CodeDevice,
  type Credential,
  makeId,
  makeTokenNumber,
  type Secret,
  type UserOptions,
} from "./account.ts";
import { type ConnectionLimits, limitConnections, toServerOptions, usualLimits } from "./connections.ts";
import { AwsError, notModeled, type Service } from "./errors.ts";
import { type AccountEvent, getGlobalRegion, type Origin } from "./events.ts";
import { answerFaultRequest, faultsPath } from "./fault-requests.ts";
import { createFaultError, type Fault, Faults, findCallerIn, type Strike } from "./faults.ts";
import { Federation, writeErrorPage } from "./federation.ts";
import { iam } from "./iam.ts";
import {
  isJson,
  type JsonService,
  readOperationName,
  runOperation,
  translateError,
  writeJson,
  writeJsonError,
} from "./json.ts";
import { cloudtrail } from "./monitoring/cloudtrail.ts";
import { cloudwatch } from "./monitoring/cloudwatch.ts";
import { config, runDueEvaluations } from "./monitoring/config.ts";
import { eventbridge } from "./monitoring/eventbridge.ts";
import { logs } from "./monitoring/logs.ts";
import { sns } from "./monitoring/sns.ts";
import { findAction, type QueryService } from "./query.ts";
import { readParameters, readQuery, readRequest } from "./read-request.ts";
import { addRole, type RoleOptions } from "./roles.ts";
import { findS3Action, listBuckets } from "./s3.ts";
import { answerSignIn, passwordOf, type SignInAnswer, type SignInForm, signIn, toAnswer } from "./sign-in.ts";
import { authenticate, type HttpRequest, isAboutSignature, readAuthorization } from "./sigv4.ts";
import { sts } from "./sts.ts";
import { writeQueryError, writeQueryResponse, writeS3Error } from "./xml.ts";

export type { CodeDevice } from "./account.ts";

export interface SandboxOptions {
  /** The sandbox's clock, in ms since 1970. Default: the system clock. */
  readonly now?: () => number;
  /** Twelve digits. */
  readonly account?: string;
  /** Default: a free port. */
  readonly port?: number;
  /** `aws`, `aws-cn`, `aws-us-gov`, …: the second field of every ARN. */
  readonly partition?: string;
  /** Default: what is enough for clients on the same computer. */
  readonly limits?: Partial<ConnectionLimits>;
  /** Adds what the account has from the start. */
  readonly fill?: (account: Account) => void;
  /** What requests that switch faults on and off have to show. Default: there are no such requests. */
  readonly controlToken?: string;
  /** Called when IAM or a sign-in may have changed something for a request, before the answer is sent. */
  readonly changed?: (account: Account) => void;
}

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SandboxUser {
  readonly name: string;
  readonly arn: string;
  readonly accessKey: AccessKey;
}

/** The record of a request, without secrets, tokens and codes. */
export interface RequestRecord {
  /** ms since 1970, by the sandbox's clock */
  readonly time: number;
  /**
   * As in the signature, or `signin` for the federation endpoint and the sign-in page; empty if the request is rejected
   * before that is known.
   */
  readonly service: string;
  readonly action: string;
  readonly accessKeyId: string;
  /** The User-Agent header, or an empty string. */
  readonly userAgent: string;
  readonly status: number;
  readonly errorCode: string | undefined;
}

/** A running local AWS. The methods that add something throw an Error if AWS would reject it. */
export interface Sandbox {
  /** `http://127.0.0.1:PORT`, the endpoint URL of every service. */
  readonly url: string;
  readonly account: string;
  readonly rootArn: string;
  /** An access key of the root user, who has none before this is read. */
  readonly rootAccessKey: AccessKey;
  /** The buckets that ListBuckets returns; may be changed. */
  readonly buckets: string[];
  /** The latest requests, oldest first. */
  readonly requests: readonly RequestRecord[];
  /** Lists every secret so far, for leak checks: of access keys, sessions, devices and sign-in links. */
  secrets(): readonly Secret[];
  /** Sets the clock to a function, or stops it at a time (ms since 1970). */
  setClock(now: number | (() => number)): void;
  /** Adds an IAM user with one access key. */
  addUser(user: UserOptions): SandboxUser;
  /** Adds a group. Policies are documents, or their JSON; `attached` are the ARNs of managed policies. */
  addGroup(group: { name: string; path?: string; policies?: readonly unknown[]; attached?: readonly string[] }): void;
  /** Adds a customer managed policy: a document, or its JSON. */
  addManagedPolicy(name: string, policy: unknown): { readonly arn: string };
  setPasswordPolicy(policy: AccountPasswordPolicy): void;
  attachPolicy(userName: string, policy: unknown): void;
  /** Adds a role of this account. */
  addRole(role: RoleOptions): { readonly name: string; readonly arn: string };
  /** Adds a virtual MFA device, `arn:aws:iam::ACCOUNT:mfa/NAME`; the default name is that of the user. */
  addVirtualDevice(userName: string, name?: string): CodeDevice;
  /** Adds a virtual MFA device of the root user. */
  addRootDevice(): CodeDevice;
  /** Adds a hardware token, whose serial number is not an ARN. */
  addHardwareDevice(userName: string, serialNumber?: string): CodeDevice;
  /** Adds a security key or passkey, which IAM lists and STS does not accept. */
  addFidoDevice(userName: string, name?: string): { readonly serialNumber: string };
  setAccessKeyStatus(accessKeyId: string, status: "Active" | "Inactive"): void;
  /** Signs in to the console. The password is the user's own if it is not given. */
  signIn(form: Omit<SignInForm, "password"> & { readonly password?: string }): SignInAnswer;
  /** The latest sign-ins, oldest first. */
  readonly signIns: readonly AccountEvent[];
  /** At first the account has none. */
  setAccountAlias(alias: string): void;
  /** Switches a fault on. */
  addFault(fault: Fault): void;
  /** Stops listening and closes all connections, including idle ones. */
  close(): Promise<void>;
}

const recordsKept = 10_000;

/** Starts a local AWS, which keeps the process alive until it is closed. Rejects if the port is in use. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const account = new Account(options.account ?? "123456789012", options.partition ?? "aws", options.now ?? Date.now);
  options.fill?.(account);
  const aws: LocalAws = {
    account,
    federation: new Federation(account),
    buckets: ["invoices", "team-photos"],
    faults: new Faults(account),
    controlToken: options.controlToken,
    changed: options.changed ?? (() => undefined),
  };
  const requests: RequestRecord[] = [];
  const limits = { ...usualLimits, ...options.limits };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const record = (answered: RequestRecord): void => {
      requests.push(answered);
      if (requests.length > recordsKept) requests.shift();
    };
    answerCall(request, response, aws).then(record, () => response.destroy());
  };
  const server = createServer(toServerOptions(limits), answer);
  // It is refused like other headers that mean nothing here.
  server.on("checkExpectation", answer);
  limitConnections(server, limits);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  let rootAccessKey: AccessKey | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    account: account.id,
    rootArn: account.root.arn,
    get rootAccessKey() {
      rootAccessKey ??= keyOf(account.addAccessKey(account.root));
      return rootAccessKey;
    },
    buckets: aws.buckets,
    requests,
    secrets: () => [...account.secrets(), ...aws.federation.secrets()],
    setClock: (now) => {
      account.now = typeof now === "number" ? () => now : now;
    },
    addUser: (user) => {
      const added = account.addUser(user);
      return { name: user.name, arn: added.arn, accessKey: keyOf(account.addAccessKey(added)) };
    },
    addGroup: ({ name, path = "/", policies = [], attached = [] }) => {
      account.addGroup(name, path, policies, attached);
    },
    addManagedPolicy: (name, policy) => ({ arn: account.addManagedPolicy(name, "/", policy).arn }),
    setPasswordPolicy: (policy) => {
      account.passwordPolicy = policy;
    },
    setAccountAlias: (alias) => {
      account.alias = alias;
    },
    attachPolicy: (userName, policy) => account.attachPolicy(userName, policy),
    addRole: (role) => {
      const { name, arn } = addRole(account, role);
      return { name, arn };
    },
    addVirtualDevice: (userName, name = userName) => account.addCodeDevice(userName, account.arn(`mfa/${name}`)),
    addRootDevice: () => account.addCodeDevice(undefined, account.arn("mfa/root-account-mfa-device")),
    addHardwareDevice: (userName, serialNumber = makeTokenNumber()) => account.addCodeDevice(userName, serialNumber),
    addFidoDevice: (userName, name = "security-key") => {
      const serialNumber = account.arn(`u2f/user/${userName}/${name}-${makeId("")}`);
      account.addDevice(userName, serialNumber, undefined);
      return { serialNumber };
    },
    setAccessKeyStatus: (id, status) => {
      const key = account.credential(id);
      if (key === undefined) throw new Error(`access key ${id} not found`);
      key.active = status === "Active";
    },
    signIn: (form) => {
      const principal = form.userName === undefined ? account.root : account.findUser(form.userName);
      const own = principal && passwordOf(account, principal)?.text;
      return toAnswer(signIn(account, { password: own ?? "", ...form }));
    },
    get signIns() {
      return account.events.list().filter(({ name }) => name === "ConsoleLogin");
    },
    addFault: (fault) => aws.faults.add(fault),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const keyOf = ({ accessKeyId, secretAccessKey }: AccessKey): AccessKey => ({ accessKeyId, secretAccessKey });

interface LocalAws {
  readonly account: Account;
  readonly federation: Federation;
  readonly buckets: string[];
  readonly faults: Faults;
  readonly controlToken: string | undefined;
  readonly changed: (account: Account) => void;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is known about a request so far, for error reports. */
interface Progress {
  service: Service | "signin" | undefined;
  action: string;
  accessKeyId: string;
  region: string;
  /** Undefined until the request is authenticated. */
  caller: Credential | undefined;
  /** Undefined until the operation is known. */
  strike: Strike | undefined;
  /** Whether the client of a service that is not modeled reads JSON. */
  readsJson: boolean;
}

/** By the names in signatures. */
const queryServices: Partial<Readonly<Record<string, QueryService>>> = { iam, sns, sts };
const jsonServices: Partial<Readonly<Record<string, JsonService>>> = {
  ...{ cloudtrail, config, events: eventbridge, logs, monitoring: cloudwatch },
};
export const services = ["s3", ...Object.keys(queryServices), ...Object.keys(jsonServices)] as readonly Service[];

/** Lists the operations of a service here. */
export function listOperations(service: Service): readonly string[] {
  if (service === "s3") return ["ListBuckets"];
  const query = queryServices[service]?.actions.keys() ?? [];
  return [...query, ...Object.keys(jsonServices[service]?.operations ?? {})];
}

/** All operations here, as in `iam:ListUsers`; those of the console are `signin:…`. */
export const allOperations = (): readonly string[] => [
  ...services.flatMap((service) => listOperations(service).map((operation) => `${service}:${operation}`)),
  ...["ConsoleLogin", "getSigninToken", "login"].map((operation) => `signin:${operation}`),
];

/** Answers one request and returns its record. Never rejects. */
async function answerCall(request: IncomingMessage, response: ServerResponse, aws: LocalAws): Promise<RequestRecord> {
  const requestId = randomUUID();
  const progress: Progress = {
    service: undefined,
    action: "",
    accessKeyId: "",
    region: "",
    caller: undefined,
    strike: undefined,
    readsJson: false,
  };
  let error: AwsError | undefined;
  let reply: Answer;
  try {
    reply = handle(await readRequest(request), progress, aws, requestId);
  } catch (thrown) {
    error = thrown instanceof AwsError ? thrown : new AwsError("InternalFailure", 500, "Internal failure");
    const headers = request.headersDistinct;
    const usesJson =
      progress.service === undefined ? progress.readsJson || isJson({ headers }) : progress.service in jsonServices;
    reply = usesJson
      ? answerJsonError(error, progress.service, headers)
      : answerError(error, progress.service, requestId);
    // The rest of a body that is too large means nothing, so the connection cannot be reused.
    if (!request.complete) response.setHeader("connection", "close");
  }
  const { delayMs = 0, kinds } = progress.strike ?? {};
  if (delayMs > 0) await sleep(delayMs);
  if (kinds?.has("drop") || kinds?.has("drop-answer")) request.socket.destroy();
  const { status, headers, body } = reply;
  const time = aws.account.now();
  // AWS's time, which clients use to correct for their own clock.
  response.sendDate = false;
  response.writeHead(status, {
    date: new Date(time).toUTCString(),
    "content-length": Buffer.byteLength(body),
    [progress.service === "s3" ? "x-amz-request-id" : "x-amzn-requestid"]: requestId,
    ...headers,
  });
  await sendBody(request, response, request.method === "HEAD" ? "" : body);
  const userAgent = request.headers["user-agent"] ?? "";
  const origin = { timeMs: time, region: progress.region, sourceIp: request.socket.remoteAddress ?? "", userAgent };
  recordEvent(aws.account, progress, origin, requestId, error);
  const { service = "", action, accessKeyId } = progress;
  return { time, service, action, accessKeyId, userAgent, status, errorCode: error?.code };
}

/** Lets a client that is still sending read the answer: to close the connection at once would reset it. */
async function sendBody(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
  if (!request.complete && !request.destroyed) {
    response.write(body);
    request.resume();
    await new Promise((resolve) => request.once("close", resolve));
    response.end();
  } else response.end(body);
}

/** Records for CloudTrail what happened, unless the request was not authenticated or is not modeled. */
function recordEvent(
  { events }: Account,
  { service, action: name, caller }: Progress,
  origin: Origin,
  requestId: string,
  error: AwsError | undefined,
): void {
  if (service === undefined || caller === undefined || (error !== undefined && error.status >= 500)) return;
  if (service !== "signin") {
    const reason = error && { code: error.code, message: error.message };
    events.recordCall({ ...origin, service, name, caller, requestId, error: reason });
  } else if (name === "login") events.recordSignIn({ ...origin, principal: caller.principal, mfaUsed: false });
}

const xml = { "content-type": "text/xml" };
const s3Xml = { "content-type": "application/xml" };

function answerError(error: AwsError, service: Progress["service"], requestId: string): Answer {
  const { status } = error;
  if (service === "s3") return { status, headers: s3Xml, body: writeS3Error(error, requestId) };
  if (service === "signin") return { status, headers: { "content-type": "text/html" }, body: writeErrorPage(error) };
  const { namespace } = queryServices[service ?? "sts"] ?? sts;
  return { status, headers: xml, body: writeQueryError(error, namespace, requestId) };
}

/** CloudWatch's clients know the codes of the query protocol, and ask for them. */
function answerJsonError(error: AwsError, name: Progress["service"], headers: HttpRequest["headers"]): Answer {
  const service = name === undefined ? undefined : jsonServices[name];
  const translated = translateError(error, service);
  const type = error.status < 500 ? "Sender" : "Receiver";
  const isQueryMode = headers["x-amzn-query-mode"]?.includes("true") ?? false;
  return {
    status: translated.status,
    headers: {
      "content-type": `application/x-amz-json-${service?.version ?? "1.1"}`,
      ...(isQueryMode ? { "x-amzn-query-error": `${error.code};${type}` } : {}),
    },
    body: writeJsonError(translated),
  };
}

/** Returns the response. Throws AwsError for every rejected request. */
function handle(request: HttpRequest, progress: Progress, aws: LocalAws, requestId: string): Answer {
  const { account } = aws;
  const query = readQuery(request);
  const [path = ""] = request.target.split("?");
  if (path === faultsPath && aws.controlToken !== undefined) return answerFaultRequest(request, aws);
  if (path === "/federation") return handleFederation(request, query, progress, aws);
  if (path === "/sign-in") return handleSignIn(request, query, progress, aws);
  assertNotUnsigned(request, query, progress);
  const authorization = readAuthorization(request, query);
  progress.accessKeyId = keepWord(authorization.accessKeyId);
  const service = services.find((known) => known === authorization.service);
  if (service === undefined) {
    progress.readsJson = !restXml.includes(authorization.service) && !isQueryRequest(request, query);
    throw notModeled(`the service '${authorization.service}'`);
  }
  // Whatever region the client has signed for.
  const region = service === "iam" ? getGlobalRegion(account.partition) : authorization.region;
  Object.assign(progress, { service, region });
  const signedIn = (): Credential => {
    const caller = authenticate(request, authorization, service, (id) => account.credential(id), account.now());
    progress.caller = caller;
    account.recordUse(caller, service, region);
    runDueEvaluations(account);
    return caller;
  };

  if (service === "s3") {
    const caller = signedIn();
    setAction(findS3Action(request.method, path, withoutSignature(query)), progress, aws);
    return { status: 200, headers: s3Xml, body: listBuckets(account, caller, aws.buckets) };
  }
  const jsonService = jsonServices[service];
  if (jsonService !== undefined) {
    setAction(keepWord(readOperationName(request, jsonService)), progress, aws);
    const call = { account, caller: signedIn(), region: account.inRegion(region) };
    if (path !== "/") throw notModeled(`the path of this request to ${service}`);
    const result = runOperation(service, jsonService, request, call);
    const headers = { "content-type": `application/x-amz-json-${jsonService.version}` };
    return { status: 200, headers, body: writeJson(result) };
  }
  const parameters = withoutSignature(readParameters(request, query));
  setAction(keepWord(parameters.get("Action") ?? ""), progress, aws);
  const caller = signedIn();
  if (path !== "/") throw notModeled(`the path of this request to ${service}`);
  const definition = queryServices[service] ?? sts;
  const action = findAction(service, definition, parameters);
  const operation = `${service}:${progress.action}`;
  const seen = aws.faults.readFrom(operation);
  const seenCaller = seen === account ? caller : findCallerIn(seen, caller);
  if (service === "iam") aws.faults.beforeChange(operation);
  const result = action.run({ account: seen, caller: seenCaller, parameters, region: account.inRegion(region) });
  if (service === "iam" && !/^(Get|List|Simulate)/.test(progress.action)) aws.changed(account);
  return {
    status: 200,
    headers: xml,
    body: writeQueryResponse(progress.action, definition.namespace, result, requestId),
  };
}

/** Services that speak REST and XML; all others that speak REST speak JSON. By the names in signatures. */
const restXml: readonly string[] = ["cloudfront", "route53", "s3", "s3-outposts"];

/** Whether a request is of the query protocol, whose clients read XML: it has the action as a form has it. */
const isQueryRequest = ({ headers }: HttpRequest, query: ReadonlyMap<string, string>): boolean =>
  query.has("Action") || (headers["content-type"]?.[0]?.startsWith("application/x-www-form-urlencoded") ?? false);

/** Operations of STS that AWS takes without a signature. */
const unsignedActions: readonly string[] = ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"];

/** Throws NotImplemented for what AWS would answer without a signature, instead of an error about the signature. */
function assertNotUnsigned(request: HttpRequest, query: ReadonlyMap<string, string>, progress: Progress): void {
  if (request.headers.authorization !== undefined || query.has("X-Amz-Algorithm")) return;
  const action = query.get("Action") ?? /(?:^|&)Action=(\w+)(?:&|$)/.exec(request.body.toString("latin1"))?.[1] ?? "";
  if (!unsignedActions.includes(action)) return;
  progress.service = "sts";
  throw notModeled(`the action sts:${action}`);
}

/** Notes the operation of a request, and throws AwsError if it is to fail before anything is done. */
function setAction(action: string, progress: Progress, { faults }: LocalAws): void {
  progress.action = action;
  const { service = "signin" } = progress;
  progress.strike = faults.strike(`${service}:${action}`);
  const error = createFaultError(progress.strike, service);
  if (error !== undefined) throw error;
  // Not seen by the client: its connection is closed.
  if (progress.strike.kinds.has("drop")) throw new AwsError("Dropped", 500, "The connection is closed");
}

/** Handles requests that are not signed: they contain the credentials or the token. */
function handleFederation(
  request: HttpRequest,
  query: ReadonlyMap<string, string>,
  progress: Progress,
  aws: LocalAws,
): Answer {
  const { account, federation } = aws;
  progress.service = "signin";
  progress.region = getGlobalRegion(account.partition);
  const parameters = readParameters(request, query);
  setAction(keepWord(parameters.get("Action") ?? ""), progress, aws);
  const { accessKeyId, ...answer } = federation.answer(parameters);
  progress.accessKeyId = accessKeyId;
  progress.caller = account.credential(accessKeyId);
  return answer;
}

/** Handles the form of the console's sign-in page. */
function handleSignIn(
  request: HttpRequest,
  query: ReadonlyMap<string, string>,
  progress: Progress,
  aws: LocalAws,
): Answer {
  progress.service = "signin";
  setAction("ConsoleLogin", progress, aws);
  if (request.method !== "POST") throw notModeled("this HTTP method here");
  const userAgent = request.headers["user-agent"]?.join(", ") ?? "";
  const answer = answerSignIn(aws.account, readParameters(request, query), { userAgent, sourceIp: "127.0.0.1" });
  progress.accessKeyId = answer.credentials?.accessKeyId ?? "";
  aws.changed(aws.account);
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
}

const withoutSignature = (parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...parameters].filter(([name]) => !isAboutSignature(name)));

/** Returns an unverified identifier for the record, or an empty string if it is not an identifier. */
function keepWord(text: string): string {
  return /^\w{1,128}$/.test(text) ? text : "";
}
