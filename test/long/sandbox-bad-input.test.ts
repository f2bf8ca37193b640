// Tests what the local AWS answers to requests that are broken on purpose: an error of AWS, and it stays up.
import { once } from "node:events";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import type { Service } from "../../src/sandbox/errors.ts";
import { iam } from "../../src/sandbox/iam.ts";
import { listOperations, type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";
import { sts } from "../../src/sandbox/sts.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { connectTo, type Draft, format, type Key, post, presign, send, sendRaw, sign } from "../sandbox/client.ts";
import { allow } from "../sandbox/iam-client.ts";

const now = Date.parse("2026-01-31T09:00:00Z");
const whoAmI = { Action: "GetCallerIdentity", Version: "2011-06-15" };
const minutes = 60_000;

let sandbox: Sandbox;
let alice: SandboxUser;
const start = async (limits: NonNullable<Parameters<typeof startSandbox>[0]>["limits"] = {}): Promise<void> => {
  sandbox = await startSandbox({ now: () => now, limits });
  alice = sandbox.addUser({ name: "alice", policies: [allow("*")] });
};
beforeEach(() => start());
afterEach(async () => {
  // It is still up.
  expect((await send(signed(), sandbox.url)).status).toBe(200);
  await sandbox.close();
});

const signed = (draft = post(whoAmI), key: Key = alice.accessKey): Draft =>
  sign(draft, sandbox.url, key, { atMs: now });
const listing = (): Draft => ({
  method: "GET",
  target: `/?${new URLSearchParams(whoAmI).toString()}`,
  headers: {},
  body: "",
});
const presigned = (key: Key = alice.accessKey, atMs = now): Draft => presign(listing(), sandbox.url, key, { atMs });

/** The status and the code of an answer's error, of whichever protocol. */
function readError(answer: string): string {
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
  const [, code] = /<Code>(\w+)<\/Code>|"__type":"(?:[^"]*#)?(\w+)"/.exec(answer) ?? [];
  return `${status} ${code}`;
}

async function session(): Promise<Key> {
  const parameters = { Action: "GetSessionToken", Version: "2011-06-15" };
  const { body } = await send(signed(post(parameters)), sandbox.url);
  const member = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? "";
  const [accessKeyId, secretAccessKey] = [member("AccessKeyId"), member("SecretAccessKey")];
  return { accessKeyId, secretAccessKey, sessionToken: member("SessionToken") };
}

describe("signatures", () => {
  /** Changes a part of the Authorization header, or the same part of the query. */
  const inHeader = (draft: Draft, part: RegExp, text: string): void => {
    const { authorization = "" } = draft.headers;
    expect(authorization).toMatch(part);
    draft.headers.authorization = authorization.replace(part, text);
  };
  const inQuery = (draft: Draft, part: RegExp, text: string): void => {
    expect(draft.target).toMatch(part);
    draft.target = draft.target.replace(part, text);
  };
  const [incomplete, mismatch, unknown] = [
    "400 IncompleteSignature",
    "403 SignatureDoesNotMatch",
    "403 InvalidClientTokenId",
  ];

  test.each<[string, RegExp, string, string]>([
    ["another algorithm", /AWS4-HMAC-SHA256/, "AWS4-HMAC-SHA1", incomplete],
    ["no algorithm", /AWS4-HMAC-SHA256 /, "", incomplete],
    ["no credential", /Credential=[^,]*, /, "", incomplete],
    ["two credentials", /Credential=[^,]*, /, "$&$&", incomplete],
    ["an unknown access key", /AKIA\w*/, "AKIAIOSFODNN7EXAMPLE", unknown],
    ["no access key", /AKIA\w*/, "", unknown],
    ["another day", /20260131/, "20260130", mismatch],
    ["another region", /us-east-1/, "us-east-2", mismatch],
    ["another service", /\/sts\//, "/iam/", mismatch],
    ["a service that is not modeled", /\/sts\//, "/ec2/", "501 NotImplemented"],
    ["another terminator", /aws4_request/, "aws5_request", mismatch],
    ["a scope without a terminator", /\/aws4_request/, "", incomplete],
    ["a scope with more parts", /aws4_request/, "$&/more", incomplete],
    ["no list of headers", /SignedHeaders=[^,]*, /, "", incomplete],
    ["fewer signed headers", /content-type;/, "", mismatch],
    ["without host", /host;/, "", mismatch],
    ["without the date", /;x-amz-date/, "", mismatch],
    ["more signed headers", /x-amz-date/, "$&;x-more", mismatch],
    ["no signature", /Signature=.*/, "", incomplete],
    ["an empty signature", /Signature=.*/, "Signature=", incomplete],
    ["another signature", /Signature=.*/, `Signature=${"0".repeat(64)}`, mismatch],
    ["a signature that was cut", /.$/, "", mismatch],
    ["two signatures", /, (Signature=.*)/, "$&, $1", incomplete],
    ["no spaces and no commas", /, /g, "", incomplete],
    ["a very long header", /Signature=/, `${"x=y,".repeat(3000)}$&`, "200 undefined"],
  ])("in the header: %s", async (_, part, text, error) => {
    const draft = signed();
    inHeader(draft, part, text);
    expect(readError(await sendRaw(sandbox.url, format(draft)))).toBe(error);
  });

  test.each<[string, RegExp, string, string]>([
    ["another algorithm", /AWS4-HMAC-SHA256/, "AWS4-HMAC-SHA1", incomplete],
    ["no algorithm", /X-Amz-Algorithm=[^&]*&/, "", incomplete],
    ["no credential", /X-Amz-Credential=[^&]*&/, "", incomplete],
    ["two credentials", /X-Amz-Credential=[^&]*&/, "$&$&", "400 MalformedQueryString"],
    ["an unknown access key", /AKIA\w{4}/, "AKIAAAAA", unknown],
    ["another day", /%2F20260131%2F/, "%2F20260130%2F", mismatch],
    ["another region", /us-east-1/, "us-east-2", mismatch],
    ["another service", /%2Fsts%2F/, "%2Fiam%2F", mismatch],
    ["another terminator", /aws4_request/, "aws5_request", mismatch],
    ["a scope with fewer parts", /%2Faws4_request/, "", incomplete],
    ["no date", /X-Amz-Date=[^&]*&/, "", incomplete],
    ["a date that does not exist", /X-Amz-Date=20260131/, "X-Amz-Date=20260231", incomplete],
    ["another time", /T090000Z/, "T090001Z", mismatch],
    ["another duration", /X-Amz-Expires=60/, "X-Amz-Expires=61", mismatch],
    ["no list of headers", /X-Amz-SignedHeaders=[^&]*&/, "", incomplete],
    ["other signed headers", /X-Amz-SignedHeaders=host/, "X-Amz-SignedHeaders=date", mismatch],
    ["no signature", /&X-Amz-Signature=.*/, "", incomplete],
    ["another signature", /X-Amz-Signature=.*/, `X-Amz-Signature=${"0".repeat(64)}`, mismatch],
    ["another action", /GetCallerIdentity/, "GetSessionToken", mismatch],
    ["one more parameter", /$/, "&DurationSeconds=900", mismatch],
    ["a token that no session has", /&X-Amz-Signature/, "&X-Amz-Security-Token=x$&", unknown],
  ])("in the query: %s", async (_, part, text, error) => {
    const draft = presigned();
    inQuery(draft, part, text);
    expect(readError(await sendRaw(sandbox.url, format(draft)))).toBe(error);
  });

  test("in the query: accepted as it is, with a session, and for S3 until it expires", async () => {
    expect((await send(presigned(), sandbox.url)).status).toBe(200);
    const temporary = await session();
    expect((await send(presigned(temporary), sandbox.url)).status).toBe(200);
    const list = (atMs: number) => {
      const draft = { method: "GET", target: "/", headers: {}, body: "" };
      return send(presign(draft, sandbox.url, alice.accessKey, { service: "s3", atMs }), sandbox.url);
    };
    expect((await list(now - minutes)).status).toBe(200);
    expect(await list(now - minutes - 1000)).toMatchObject({
      status: 403,
      code: "AccessDenied",
      message: "Request has expired",
    });
    const unlimited = presign({ ...listing(), target: "/" }, sandbox.url, alice.accessKey, {
      service: "s3",
      atMs: now,
    });
    inQuery(unlimited, /Expires=60/, "Expires=604801");
    expect(await send(unlimited, sandbox.url)).toMatchObject({ code: "AuthorizationQueryParametersError" });
  });

  test("in the query and the header, or with a changed body, header or path", async () => {
    const both = presigned();
    both.headers.authorization = signed().headers.authorization ?? "";
    expect((await send(both, sandbox.url)).code).toBe("IncompleteSignature");
    const inCapitals = ({ headers: { authorization = "" } }: Draft): string =>
      authorization.replace(/\w+$/, (signature) => signature.toUpperCase());
    const changes: [(draft: Draft) => unknown, string][] = [
      [(draft) => (draft.body += "&DurationSeconds=900"), "SignatureDoesNotMatch"],
      [(draft) => (draft.headers["content-type"] = "text/plain"), "SignatureDoesNotMatch"],
      [(draft) => (draft.headers["x-amz-more"] = "1"), "SignatureDoesNotMatch"],
      [(draft) => (draft.target = "/path"), "SignatureDoesNotMatch"],
      [(draft) => (draft.method = "GET"), "SignatureDoesNotMatch"],
      [(draft) => (draft.method = "PUT"), "NotImplemented"],
      [(draft) => (draft.target = "/?Signature=x"), "NotImplemented"],
      [(draft) => (draft.headers.authorization = inCapitals(draft)), "SignatureDoesNotMatch"],
    ];
    for (const [change, code] of changes) {
      const draft = signed();
      change(draft);
      expect((await send(draft, sandbox.url)).code).toBe(code);
    }
  });

  test.each<Service>(["sts", "iam"])(
    "%s: clocks may be off by five minutes, in the header and in the query",
    async (service) => {
      const parameters = service === "sts" ? whoAmI : { Action: "GetUser", Version: "2010-05-08" };
      for (const off of [-5 * minutes - 1000, 5 * minutes + 1000]) {
        const word = off < 0 ? "Signature expired: " : "Signature not yet current: ";
        const header = sign(post(parameters), sandbox.url, alice.accessKey, { service, atMs: now + off });
        const target = `/?${new URLSearchParams(parameters).toString()}`;
        const query = presign({ ...listing(), target }, sandbox.url, alice.accessKey, { service, atMs: now + off });
        for (const draft of [header, query]) {
          const answer = await send(draft, sandbox.url);
          expect(answer).toMatchObject({ status: 403, code: "SignatureDoesNotMatch" });
          expect(answer.message).toContain(word);
        }
      }
    },
  );
});

describe("forms", () => {
  const form = (body: string): Draft => signed({ ...post({}), body });
  const valid = new URLSearchParams(whoAmI).toString();

  test.each<[string, string, string]>([
    ["a repeated parameter", `${valid}&Version=2011-06-15`, "400 MalformedQueryString"],
    ["a parameter that is not percent-encoded", `${valid}&A=%zz`, "400 MalformedQueryString"],
    ["half a percent-encoding", `${valid}&A=%`, "400 MalformedQueryString"],
    ["a byte that is not UTF-8", `${valid}&A=%ff`, "400 MalformedQueryString"],
    ["no action", "Version=2011-06-15", "400 MissingAction"],
    ["nothing", "", "400 MissingAction"],
    ["no version", "Action=GetCallerIdentity", "501 NotImplemented"],
    ["JSON", '{"Action":"GetCallerIdentity"}', "400 MissingAction"],
    ["names of JavaScript", "Action=__proto__&Version=2011-06-15", "501 NotImplemented"],
    ["an action in another case", "Action=getcalleridentity&Version=2011-06-15", "501 NotImplemented"],
    [
      "many parameters",
      `${valid}&${Array.from({ length: 50_000 }, (_, index) => `a${index}=`).join("&")}`,
      "501 NotImplemented",
    ],
    ["only separators", "&".repeat(100_000), "400 MissingAction"],
    ["a number that is not one", "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=1e3", "400 MalformedInput"],
    ["a null byte", `${valid}&A%00=1`, "501 NotImplemented"],
  ])("%s", async (_, body, error) => {
    expect(readError(await sendRaw(sandbox.url, format(form(body))))).toBe(error);
  });

  test("a parameter in the query and in the body, and a body that is not text", async () => {
    const draft = signed({ ...post(whoAmI), target: "/?Version=2011-06-15" });
    expect((await send(draft, sandbox.url)).code).toBe("MalformedQueryString");
    const [head = ""] = format(signed({ ...post({}), body: "xxx" })).split("xxx");
    const bytes = Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xfe, 0x00])]);
    expect(readError(await sendRaw(sandbox.url, bytes))).toBe("400 MalformedQueryString");
  });
});

describe("HTTP", () => {
  const malformed = "400 MalformedHttpRequestException";
  const host = "Host: localhost\r\n";
  const chunked = "Transfer-Encoding: chunked\r\n";

  test.each<[string, string, string]>([
    ["a length and chunks", `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\n${chunked}\r\n0\r\n\r\n`, malformed],
    ["chunks and a length", `POST / HTTP/1.1\r\n${host}${chunked}Content-Length: 3\r\n\r\n0\r\n\r\n`, malformed],
    ["two encodings", `POST / HTTP/1.1\r\n${host}${chunked}${chunked}\r\n0\r\n\r\n`, malformed],
    ["an unknown encoding", `POST / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, malformed],
    [
      "compressed chunks",
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      "501 NotImplemented",
    ],
    [
      "a compressed body",
      `POST / HTTP/1.1\r\n${host}Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n`,
      "501 NotImplemented",
    ],
    ["two lengths", `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, malformed],
    ["a list of lengths", `POST / HTTP/1.1\r\n${host}Content-Length: 3, 3\r\n\r\nabc`, malformed],
    ["a length with a sign", `POST / HTTP/1.1\r\n${host}Content-Length: +3\r\n\r\nabc`, malformed],
    [
      "a length that is too large",
      `POST / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\nabc`,
      malformed,
    ],
    [
      "more than the length",
      `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n`,
      "403 MissingAuthenticationToken",
    ],
    ["less than the length", `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nab`, malformed],
    ["a chunk without a size", `POST / HTTP/1.1\r\n${host}${chunked}\r\nzz\r\n\r\n`, malformed],
    ["a chunk that is too large", `POST / HTTP/1.1\r\n${host}${chunked}\r\nfffffffffffffffff\r\n`, malformed],
    ["a space before the colon", `POST / HTTP/1.1\r\n${host}Content-Length : 3\r\n\r\nabc`, malformed],
    ["a folded header", `GET / HTTP/1.1\r\n${host}A: b\r\n c\r\n\r\n`, malformed],
    ["lines without CR", "GET / HTTP/1.1\nHost: localhost\n\n", malformed],
    ["one line without CR", "GET / HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n", malformed],
    ["a CR in a header", `GET / HTTP/1.1\r\n${host}A: b\rC: d\r\n\r\n`, malformed],
    ["a null byte in a header", `GET / HTTP/1.1\r\n${host}A: b\0c\r\n\r\n`, malformed],
    ["a header without a name", `GET / HTTP/1.1\r\n${host}: b\r\n\r\n`, malformed],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", malformed],
    ["two Hosts", `GET / HTTP/1.1\r\n${host}Host: other\r\n\r\n`, malformed],
    ["two signatures", `GET / HTTP/1.1\r\n${host}Authorization: a\r\nAuthorization: b\r\n\r\n`, malformed],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", malformed],
    ["an unknown version", `GET / HTTP/3.7\r\n${host}\r\n`, malformed],
    ["HTTP/0.9", "GET /\r\n\r\n", "403 MissingAuthenticationToken"],
    ["another site", `GET http://example.com/ HTTP/1.1\r\n${host}\r\n`, "400 MalformedQueryString"],
    ["no path", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, "400 MalformedQueryString"],
    ["a tunnel", `CONNECT localhost:1 HTTP/1.1\r\n${host}\r\n`, "501 NotImplemented"],
    [
      "WebSocket",
      `GET / HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      "403 MissingAuthenticationToken",
    ],
    ["an unknown expectation", `POST / HTTP/1.1\r\n${host}Expect: more\r\nContent-Length: 0\r\n\r\n`, malformed],
    ["an unknown method", `FETCH / HTTP/1.1\r\n${host}\r\n`, malformed],
    ["a space in the target", `GET /a b HTTP/1.1\r\n${host}\r\n`, malformed],
    ["a control character in the target", `GET /\u0001 HTTP/1.1\r\n${host}\r\n`, malformed],
    ["long headers", `GET / HTTP/1.1\r\n${host}A: ${"a".repeat(20_000)}\r\n\r\n`, "413 RequestEntityTooLarge"],
    ["many headers", `GET / HTTP/1.1\r\n${host}${"A: b\r\n".repeat(9000)}\r\n`, "413 RequestEntityTooLarge"],
    ["a long target", `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, "413 RequestEntityTooLarge"],
    ["bytes that are not HTTP", "\0\u0001garbage\r\n\r\n", malformed],
    ["TLS", "\u0016\u0003\u0001\u0002\0\u0001\0", malformed],
  ])("%s", async (_, bytes, error) => {
    const answer = await sendRaw(sandbox.url, Buffer.from(bytes, "latin1"));
    expect(readError(answer)).toBe(error);
    expect(answer).toMatch(/\r\n\r\n<ErrorResponse .*<\/ErrorResponse>\n$/s);
  });

  test("a request that is hidden in the body of another is not run", async () => {
    const hidden = format(signed(post({ Action: "GetSessionToken", Version: "2011-06-15" })));
    const head = `POST / HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n`;
    await sendRaw(sandbox.url, `${head}${chunked}\r\n0\r\n\r\n${hidden}`);
    await sendRaw(sandbox.url, `${head}\r\n${hidden}`);
    expect(sandbox.requests.map(({ errorCode }) => errorCode)).toEqual(["MissingAuthenticationToken"]);
  });
});

describe("sizes", () => {
  test("a body that is too large is refused, whether its length is known or not, and the client can read that", async () => {
    const large = "x".repeat(20_000_000);
    const answer = await send(signed({ ...post({}), body: large }), sandbox.url);
    expect(answer).toMatchObject({ status: 413, code: "RequestEntityTooLarge" });
    const chunks = `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n${"x".repeat(0x200000)}`;
    expect(readError(await sendRaw(sandbox.url, chunks))).toBe("413 RequestEntityTooLarge");
  });
});

describe("connections", () => {
  beforeEach(() => sandbox.close());

  test("are closed with an error if they say nothing, or speak slowly", async () => {
    await start({ headersMs: 100, requestMs: 200 });
    const head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
    const slow = ["", "P", head, `${head}Content-Length: 10\r\n\r\nabc`].map((bytes) => connectTo(sandbox.url, bytes));
    for (const { closed } of slow) expect(readError(await closed)).toBe("408 RequestTimeoutException");
  });

  test("thousands that say nothing leave room for those that do", async () => {
    await start({ connections: 50 });
    const silent: ReturnType<typeof connectTo>[] = [];
    for (let batch = 0; batch < 20; batch++) {
      // More at once than the system queues would never reach the server.
      const opened = Array.from({ length: 100 }, () => connectTo(sandbox.url));
      await Promise.all(opened.map(({ socket }) => once(socket, "connect")));
      silent.push(...opened);
      expect((await send(signed(), sandbox.url)).status).toBe(200);
    }
    // The oldest were closed first, with an error.
    const closed = await Promise.all(silent.slice(0, -50).map((each) => each.closed));
    expect([...new Set(closed.map(readError))]).toEqual(["408 RequestTimeoutException"]);
    for (const { socket } of silent) socket.destroy();
  });
});

// FC_SEED=1234 tries others, and FOB_FUZZ_RUNS=100000 more of them.
describe("changed at random", () => {
  const words = [
    ...[
      "\r\n",
      "\r",
      "\n",
      "\0",
      " ",
      "%",
      "&",
      "=",
      "/",
      "?",
      ";",
      ",",
      ":",
      "\u00ff",
      "0",
      "-1",
      "%00",
      "%ff",
      "+",
      "\t",
    ],
    ...[
      "Content-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Host: x\r\n",
      "Expect: 100-continue\r\n",
      "x".repeat(9000),
    ],
    ...["Action=", "&Action=ListUsers", "X-Amz-Signature=", "__proto__", "constructor", '{"', "[[[[", "<x>", "1e999"],
  ];
  const edit = fc.record({
    kind: fc.constantFrom("insert", "replace", "delete", "double", "swap"),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    size: fc.nat({ max: 40 }),
    word: fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 5 })),
  });
  type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

  function apply(text: string, { kind, at, size, word }: Edit): string {
    const from = Math.floor(at * text.length);
    const [before, part, after] = [text.slice(0, from), text.slice(from, from + size), text.slice(from + size)];
    if (kind === "insert") return before + word + part + after;
    if (kind === "replace") return before + word + after;
    if (kind === "delete") return before + after;
    return kind === "double" ? before + part + part + after : part + before + after;
  }

  /** Valid requests of each protocol, and what they do. */
  const originals = (): [string, Draft][] => {
    const json = {
      "x-amz-target": "StarlingDoveService.DescribeConfigRules",
      "content-type": "application/x-amz-json-1.1",
    };
    const s3 = { method: "GET", target: "/", headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }, body: "" };
    const form = (target: string, parameters: Record<string, string>): Draft => ({ ...post(parameters), target });
    const policy = JSON.stringify(allow("s3:*"));
    const iam = {
      Action: "PutUserPolicy",
      Version: "2010-05-08",
      UserName: "alice",
      PolicyName: "more",
      PolicyDocument: policy,
    };
    const at = (service: Service) => ({ service, atMs: now });
    return [
      ["sts GetCallerIdentity", signed()],
      ["sts GetCallerIdentity", presigned()],
      [
        "sts GetFederationToken",
        signed(post({ Action: "GetFederationToken", Version: "2011-06-15", Name: "Bob", Policy: policy })),
      ],
      ["iam PutUserPolicy", sign(post(iam), sandbox.url, alice.accessKey, at("iam"))],
      ["s3 ListBuckets", sign(s3, sandbox.url, alice.accessKey, at("s3"))],
      [
        "config DescribeConfigRules",
        sign({ ...post({}), headers: json, body: "{}" }, sandbox.url, alice.accessKey, at("config")),
      ],
      ["signin getSigninToken", form("/federation", { Action: "getSigninToken", Session: '{"sessionId":"ASIA"}' })],
      ["signin ConsoleLogin", form("/sign-in", { UserName: "alice", Password: "x", Code: "123456" })],
    ];
  };

  const numRuns = Number(process.env.FOB_FUZZ_RUNS ?? numRunsOf(4000));
  const expectNoFailure = (answer: string): void => {
    expect(answer).toMatch(/^HTTP\/1\.1 (1|2|3|4|501)/);
    expect(answer).not.toMatch(/InternalFailure|undefined|\[object/);
  };

  test("requests get an error of AWS, or do what was signed", async () => {
    const property = fc.asyncProperty(
      fc.nat({ max: 7 }),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async (index, edits) => {
        const [what, draft] = originals()[index] as [string, Draft];
        draft.headers = { host: new URL(sandbox.url).host, ...draft.headers };
        const before = sandbox.requests.length;
        const answer = await sendRaw(sandbox.url, Buffer.from(edits.reduce(apply, format(draft)), "latin1"));
        expectNoFailure(answer);
        const accepted = sandbox.requests.slice(before).filter(({ status }) => status < 400);
        for (const { service, action } of accepted) expect(`${service} ${action}`).toBe(what);
      },
    );
    await fc.assert(property, { numRuns });
  });

  /** Values that mean something here, and others. */
  const value = fc.oneof(
    fc.constantFrom(
      ...[
        "alice",
        "bob",
        "/",
        "/eng/",
        "true",
        "900",
        "1",
        "Active",
        "123456",
        "Any",
        "Local",
        "team",
        "s3:*",
        "GAHT12345678",
      ],
      ...["mfa/alice", "policy/limit", "role/deploy", "user/alice", "user/bob"].map(
        (name) => `arn:aws:iam::123456789012:${name}`,
      ),
      ...[allow("*"), enforceMfaPolicy(), { Statement: {} }].map((policy) => JSON.stringify(policy)),
      ...words,
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
  );

  test("every operation answers any parameters that are signed, and the account stays whole", async () => {
    const operations = (["iam", "sts"] as const).flatMap((service) =>
      [...{ iam, sts }[service].actions].map(([Action, { parameters }]) => ({ service, Action, parameters })),
    );
    const call = fc.constantFrom(...operations).chain(({ service, Action, parameters }) => {
      const named = parameters.map(
        (name) => [name.replaceAll(".N", ".1"), fc.option(value, { nil: undefined })] as const,
      );
      return fc.record({
        service: fc.constant(service),
        Action: fc.constant(Action),
        given: fc.record(Object.fromEntries(named)),
      });
    });
    const root = sandbox.rootAccessKey;
    const property = fc.asyncProperty(call, async ({ service, Action, given }) => {
      const version = { iam, sts }[service].version;
      const set = Object.entries(given).flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
      const draft = post({ Action, Version: version, ...Object.fromEntries(set) });
      const { status, body } = await send(sign(draft, sandbox.url, root, { service, atMs: now }), sandbox.url);
      expectNoFailure(`HTTP/1.1 ${status} ${body}`);
    });
    await fc.assert(property, { numRuns });
    const details = post({ Action: "GetAccountAuthorizationDetails", Version: iam.version });
    expect((await send(sign(details, sandbox.url, root, { service: "iam", atMs: now }), sandbox.url)).status).toBe(200);
    alice = sandbox.addUser({ name: "last", policies: [allow("*")] });
  });

  test("every operation of the JSON protocol answers any input that is signed", async () => {
    const services = ["cloudtrail", "config", "events", "logs", "monitoring"] as const;
    const operations = services.flatMap((service) => listOperations(service).map((name) => ({ service, name })));
    const targets = {
      cloudtrail: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
      config: "StarlingDoveService",
      events: "AWSEvents",
      logs: "Logs_20140328",
      monitoring: "GraniteServiceVersion20100801",
    };
    const property = fc.asyncProperty(fc.constantFrom(...operations), fc.json(), async ({ service, name }, body) => {
      const headers = { "x-amz-target": `${targets[service]}.${name}`, "content-type": "application/x-amz-json-1.1" };
      const draft = { method: "POST", target: "/", headers, body };
      const answer = await send(sign(draft, sandbox.url, sandbox.rootAccessKey, { service, atMs: now }), sandbox.url);
      expectNoFailure(`HTTP/1.1 ${answer.status} ${answer.body}`);
      expect(answer.body).not.toContain("UnknownOperation");
    });
    await fc.assert(property, { numRuns: Math.ceil(numRuns / 4) });
  });
});
