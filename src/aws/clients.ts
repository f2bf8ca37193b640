// The SDK's clients. This module is heavy: import() it, and only when AWS is really called.

import { Agent as HttpAgent, validateHeaderValue } from "node:http";
import type { Readable } from "node:stream";
import { text as streamText } from "node:stream/consumers";
import {
  type EvaluationResult,
  IAMClient,
  ListMFADevicesCommand,
  SimulateCustomPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
  type Credentials as StsCredentials,
} from "@aws-sdk/client-sts";
import { HttpRequest } from "@smithy/core/protocols";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { byProxy, isUnsent, SecureAgent, TunnelAgent } from "./agents.ts";
import type { Access, Aws, SimulationResult, TemporaryCredentials } from "./aws.ts";
import { AwsFailure, TransportError } from "./failures.ts";
import { readBundle } from "./network.ts";
import { withoutNotice } from "./notice.ts";

const CONNECT_TIMEOUT = 10_000;
const ANSWER_TIMEOUT = 20_000;

/** Connects to STS and IAM. Nothing is sent before the first call. */
export function connect(access: Access): Aws {
  const handler = requestHandler(access);
  const configuration = (endpoint: string | undefined) => ({
    // Everything is given to the SDK: what it is not given it looks up in the AWS files, which it would parse again.
    region: access.region,
    credentials: {
      accessKeyId: access.credentials.accessKeyId,
      secretAccessKey: access.credentials.secretAccessKey,
      ...(access.credentials.sessionToken === undefined ? {} : { sessionToken: access.credentials.sessionToken }),
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    useFipsEndpoint: access.useFips && endpoint === undefined,
    useDualstackEndpoint: access.useDualstack && endpoint === undefined,
    defaultsMode: "standard" as const,
    retryMode: "standard" as const,
    authSchemePreference: [],
    // A wrong clock is said, not corrected in silence. Left out, it would be looked up in the AWS files.
    disableClockSkewCorrection: true,
    userAgentAppId: () => Promise.resolve(undefined),
    requestHandler: handler,
  });
  const { sts, iam } = access.endpoints;
  const clients = withoutNotice(() => ({
    code: new STSClient({ ...configuration(sts), maxAttempts: 1 }),
    identity: new STSClient({ ...configuration(sts), maxAttempts: 2 }),
    iam: new IAMClient({ ...configuration(iam), maxAttempts: 3 }),
  }));
  const options = { abortSignal: access.signal };
  const logged = async <T>(call: string, work: Promise<T>): Promise<T> => {
    const began = performance.now();
    const done = (outcome: string): void =>
      access.debug(`${call} in ${access.region}: ${outcome} after ${Math.round(performance.now() - began)} ms`);
    return await work.then(
      (answer) => {
        done("ok");
        return answer;
      },
      (error: unknown) => {
        done(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
        throw error;
      },
    );
  };
  return {
    async callerIdentity() {
      const answer = await logged(
        "sts:GetCallerIdentity",
        clients.identity.send(new GetCallerIdentityCommand({}), options),
      );
      return { account: answer.Account, arn: answer.Arn };
    },
    async listMfaDevices() {
      const devices: string[] = [];
      for (let Marker: string | undefined; ; ) {
        const answer = await logged(
          "iam:ListMFADevices",
          clients.iam.send(new ListMFADevicesCommand({ Marker }), options),
        );
        devices.push(...(answer.MFADevices ?? []).flatMap((device) => device.SerialNumber ?? []));
        if (!answer.IsTruncated || !answer.Marker) return devices;
        Marker = answer.Marker;
      }
    },
    async getSessionToken({ serialNumber, tokenCode, duration }) {
      const command = new GetSessionTokenCommand({
        SerialNumber: serialNumber,
        TokenCode: tokenCode,
        DurationSeconds: duration,
      });
      const sent = withoutCode(clients.code.send(command, options), tokenCode);
      return temporary((await logged("sts:GetSessionToken", sent)).Credentials);
    },
    async assumeRole({ arn, sessionName, duration, externalId, sourceIdentity, tags, transitiveTags, mfa }) {
      const command = new AssumeRoleCommand({
        RoleArn: arn,
        RoleSessionName: sessionName,
        DurationSeconds: duration,
        ExternalId: externalId,
        SourceIdentity: sourceIdentity,
        ...(tags.length > 0 ? { Tags: tags.map(([Key, Value]) => ({ Key, Value })) } : {}),
        ...(transitiveTags.length > 0 ? { TransitiveTagKeys: [...transitiveTags] } : {}),
        ...(mfa ? { SerialNumber: mfa.serialNumber, TokenCode: mfa.tokenCode } : {}),
      });
      const sent = mfa
        ? withoutCode(clients.code.send(command, options), mfa.tokenCode)
        : clients.identity.send(command, options);
      return temporary((await logged("sts:AssumeRole", sent)).Credentials);
    },
    async signInToken({ federation, duration }) {
      const { accessKeyId, secretAccessKey, sessionToken } = access.credentials;
      const session = { sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken };
      const query = {
        Action: "getSigninToken",
        ...(duration === undefined ? {} : { SessionDuration: String(duration) }),
        Session: JSON.stringify(session),
      };
      const request = new HttpRequest({
        method: "GET",
        protocol: federation.protocol,
        hostname: federation.hostname,
        ...(federation.port === "" ? {} : { port: Number(federation.port) }),
        path: federation.pathname,
        query,
        headers: { host: federation.host },
      });
      return await logged("signin:GetSigninToken", signInTokenFrom(handler.handle(request, options)));
    },
    async simulate({ policies, boundary, caller, actions, resource, context, marker }) {
      const input = {
        PolicyInputList: [...policies],
        ActionNames: [...actions],
        ResourceArns: [resource],
        ContextEntries: context.map(({ name, type, values }) => ({
          ...{ ContextKeyName: name, ContextKeyType: type, ContextKeyValues: [...values] },
        })),
        ...(boundary === undefined ? {} : { PermissionsBoundaryPolicyInputList: [boundary] }),
        ...(caller === undefined ? {} : { CallerArn: caller }),
        ...(marker === undefined ? {} : { Marker: marker }),
      };
      const command = new SimulateCustomPolicyCommand(input);
      const answer = await logged("iam:SimulateCustomPolicy", clients.iam.send(command, options));
      return {
        results: (answer.EvaluationResults ?? []).map(simulated),
        marker: answer.IsTruncated ? answer.Marker : undefined,
      };
    },
    close: () => handler.destroy(),
  };
}

async function signInTokenFrom(answer: ReturnType<NodeHttpHandler["handle"]>): Promise<string> {
  const { response } = await answer;
  const text = await streamText(response.body as Readable);
  if (response.statusCode === 200) {
    const { SigninToken } = parsed(text) as { SigninToken?: unknown };
    if (typeof SigninToken === "string") return SigninToken;
  }
  throw new AwsFailure(
    response.statusCode === 400 ? "refused" : "server error",
    `AWS's sign-in service gave no link for these credentials (HTTP ${response.statusCode})`,
    "it takes those of roles only, and only while they last: fob status",
  );
}

function parsed(text: string): object {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}

/** Where one ARN was asked for, not `*`, AWS says some of it only of that resource. */
function simulated(result: EvaluationResult): SimulationResult {
  const [specific] = result.ResourceSpecificResults ?? [];
  return {
    action: result.EvalActionName ?? "",
    decision: specific?.EvalResourceDecision ?? result.EvalDecision ?? "",
  };
}

/** An answer whose error does not tell the code. */
async function withoutCode<T>(answer: Promise<T>, code: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    // What a service does not accept it quotes, and a code that it has not looked at is still good.
    if (error instanceof Error) error.message = error.message.replaceAll(code, "******");
    throw error;
  }
}

function temporary(given: StsCredentials | undefined): TemporaryCredentials {
  if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !given.Expiration) {
    throw new AwsFailure("server error", "STS answered without credentials", [
      "see which endpoint is set: env | grep AWS_ENDPOINT_URL",
    ]);
  }
  return {
    accessKeyId: given.AccessKeyId,
    secretAccessKey: given.SecretAccessKey,
    sessionToken: given.SessionToken,
    expiration: given.Expiration.getTime(),
  };
}

/**
 * One request handler for all clients, so that they share connections. Whether a proxy is in the way is decided for
 * each request: it depends on the host, which only the SDK's endpoint rules know.
 */
function requestHandler(access: Access) {
  const handlers = new Map<string, NodeHttpHandler>();
  const handlerFor = (target: URL, proxy: URL | undefined): NodeHttpHandler => {
    const way = `${target.protocol} ${proxy?.href ?? ""}`;
    let handler = handlers.get(way);
    if (!handler) {
      if (proxy) access.debug(`${target.host} through the proxy ${proxy.host}`);
      handler = new NodeHttpHandler({
        ...agent(access, target, proxy),
        connectionTimeout: CONNECT_TIMEOUT,
        requestTimeout: ANSWER_TIMEOUT,
        throwOnRequestTimeout: true,
      });
      handlers.set(way, handler);
    }
    return handler;
  };
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(...[request, options]: Parameters<NodeHttpHandler["handle"]>) {
      const port = request.port === undefined ? "" : `:${request.port}`;
      const target = new URL(`${request.protocol}//${request.hostname}${port}`);
      const proxy = access.network.proxyFor(target);
      const handler = handlerFor(target, proxy);
      const isPassedOn = proxy !== undefined && target.protocol === "http:";
      const sent = isPassedOn ? byProxy(request, target, proxy) : request;
      try {
        // The handler would fail for these too, but leave timers that keep the process alive for half a minute.
        for (const [name, value] of Object.entries(sent.headers)) validateHeaderValue(name, value);
        return await handler.handle(sent, options);
      } catch (error) {
        if (access.signal.aborted) throw error;
        throw new TransportError(error, { host: target.host, proxy: proxy?.host, isUnsent: isUnsent(error) });
      }
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy() {
      for (const handler of handlers.values()) handler.destroy();
    },
  };
}

function agent({ network }: Access, target: URL, proxy: URL | undefined) {
  const isSecure = target.protocol === "https:";
  // A plain request by way of a proxy connects only to that.
  if (!isSecure && proxy?.protocol !== "https:") return { httpAgent: new HttpAgent({ keepAlive: true }) };
  const trust = network.bundle ? { ca: readBundle(network.bundle) } : {};
  return { httpsAgent: isSecure && proxy ? new TunnelAgent(proxy, trust) : new SecureAgent(trust) };
}
