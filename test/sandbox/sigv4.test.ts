// Tests that only requests that are unchanged since they were signed are accepted.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { computeSignature, type HttpRequest } from "../../src/sandbox/sigv4.ts";
import { type Draft, type Key, post, send, sign } from "./client.ts";

const now = Date.parse("2026-01-01T00:15:00Z");
const minutes = 60_000;
const whoAmI = { Action: "GetCallerIdentity", Version: "2011-06-15" };
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

let sandbox: Sandbox;
let key: Key;
beforeEach(async () => {
  sandbox = await startSandbox({ now: () => now });
  key = sandbox.addUser({ name: "alice" }).accessKey;
});
afterEach(() => sandbox.close());

function signedPost(options: Partial<Parameters<typeof sign>[3]> = {}, with_: Key = key): Draft {
  return sign(post(whoAmI), sandbox.url, with_, { atMs: now, ...options });
}

function signedGet(): Draft {
  const target = `/?${new URLSearchParams(whoAmI).toString()}`;
  return sign({ method: "GET", target, headers: { "x-amz-note": "a  b" }, body: "" }, sandbox.url, key, { atMs: now });
}

function signedList(hash = emptySha256): Draft {
  const draft = { method: "GET", target: "/", headers: { "x-amz-content-sha256": hash }, body: "" };
  return sign(draft, sandbox.url, key, { service: "s3", atMs: now });
}

async function session(durationSeconds = "900"): Promise<Key> {
  const draft = post({ Action: "GetSessionToken", Version: "2011-06-15", DurationSeconds: durationSeconds });
  const { body } = await send(sign(draft, sandbox.url, key, { atMs: now }), sandbox.url);
  const member = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? "";
  return {
    accessKeyId: member("AccessKeyId"),
    secretAccessKey: member("SecretAccessKey"),
    sessionToken: member("SessionToken"),
  };
}

// Examples from AWS's documentation, as an independent check of the signature.
describe("AWS's worked examples", () => {
  const example = (target: string, headers: Record<string, string>): HttpRequest => {
    const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    return { method: "GET", target, headers: lists, body: Buffer.alloc(0) };
  };

  test("IAM ListUsers", () => {
    const request = example("/?Version=2010-05-08&Action=ListUsers", {
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      host: "iam.amazonaws.com",
      "x-amz-date": "20150830T123600Z",
    });
    const signedHeaders = Object.keys(request.headers);
    const scope = { date: "20150830", region: "us-east-1", service: "iam", terminator: "aws4_request", signedHeaders };
    expect(
      computeSignature(request, scope, "iam", "20150830T123600Z", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ).toBe("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  });

  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  test("a presigned URL of S3", () => {
    const credential = "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request";
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host`;
    const request = example(`/test.txt?${query}&X-Amz-Signature=0`, { host: "examplebucket.s3.amazonaws.com" });
    const terminator = "aws4_request";
    const scope = { date: "20130524", region: "us-east-1", service: "s3", terminator, signedHeaders: ["host"] };
    const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    expect(computeSignature(request, { ...scope, expires: "86400" }, "s3", "20130524T000000Z", secret)).toBe(
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
  });

  test.each([
    ["/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("S3 GET %s", (target, expected) => {
    const request = example(target, {
      host: "examplebucket.s3.amazonaws.com",
      "x-amz-content-sha256": emptySha256,
      "x-amz-date": "20130524T000000Z",
    });
    const signedHeaders = Object.keys(request.headers);
    const scope = { date: "20130524", region: "us-east-1", service: "s3", terminator: "aws4_request", signedHeaders };
    expect(computeSignature(request, scope, "s3", "20130524T000000Z", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")).toBe(
      expected,
    );
  });
});

test("accepts an unchanged request, by POST and by GET, and identifies the caller", async () => {
  for (const draft of [signedPost(), signedGet()]) {
    const answer = await send(draft, sandbox.url);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain("<Arn>arn:aws:iam::123456789012:user/alice</Arn>");
    expect(answer.headers["x-amzn-requestid"]).toMatch(/^[\da-f-]{36}$/);
    expect(answer.headers.date).toBe("Thu, 01 Jan 2026 00:15:00 GMT");
  }
});

describe("rejects a request changed after signing", () => {
  const replace = (name: string, from: string | RegExp, to: string) => (draft: Draft) => {
    const before = draft.headers[name] ?? "";
    draft.headers[name] = before.replace(from, to);
    expect(draft.headers[name]).not.toBe(before);
  };
  const changes: [string, () => Draft, (draft: Draft) => void][] = [
    ["method", signedGet, (draft) => (draft.method = "POST")],
    ["path", signedPost, (draft) => (draft.target = "/x")],
    ["query", signedGet, (draft) => (draft.target += "&Extra=1")],
    ["signed header", signedGet, replace("x-amz-note", "a", "b")],
    ["signed header removed", signedGet, (draft) => delete draft.headers["x-amz-note"]],
    ["host", signedPost, replace("host", "127.0.0.1", "localhost")],
    ["body", signedPost, (draft) => (draft.body += "&Extra=1")],
    ["date", signedPost, replace("x-amz-date", "1500Z", "1501Z")],
    ["day of the scope", signedPost, replace("authorization", "/20260101/", "/20260102/")],
    ["region of the scope", signedPost, replace("authorization", "us-east-1", "eu-west-1")],
    ["service of the scope", signedPost, replace("authorization", "/sts/", "/iam/")],
    ["end of the scope", signedPost, replace("authorization", "aws4_request", "aws5_request")],
    ["signature", signedPost, replace("authorization", /.$/, "x")],
    ["list of signed headers", signedPost, replace("authorization", "content-type;", "")],
    ["an AWS header added", signedPost, (draft) => (draft.headers["x-amz-more"] = "1")],
  ];

  test.each(changes)("%s", async (_, make, change) => {
    const draft = make();
    change(draft);
    const answer = await send(draft, sandbox.url);
    expect([answer.status, answer.code]).toEqual([403, "SignatureDoesNotMatch"]);
  });

  test("accepts different spaces within a header, according to the specification", async () => {
    const draft = signedGet();
    draft.headers["x-amz-note"] = "a b";
    expect((await send(draft, sandbox.url)).status).toBe(200);
  });

  test("accepts any value of unsigned headers, but requires the host to be signed", async () => {
    const draft = signedPost();
    draft.headers["user-agent"] = "another";
    expect((await send(draft, sandbox.url)).status).toBe(200);
    const answer = await send(signedPost({ unsigned: ["host"] }), sandbox.url);
    expect(answer.message).toBe("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  });

  test("names the days in the error about a scope", async () => {
    const draft = signedPost();
    replace("authorization", "/20260101/", "/20251231/")(draft);
    expect((await send(draft, sandbox.url)).message).toBe(
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
        "'20251231' != '20260101', from '20260101T001500Z'.",
    );
  });
});

describe("access keys", () => {
  test("rejects a wrong secret", async () => {
    const answer = await send(signedPost({}, { ...key, secretAccessKey: `${key.secretAccessKey}x` }), sandbox.url);
    expect([answer.status, answer.code]).toEqual([403, "SignatureDoesNotMatch"]);
    expect(answer.message).toMatch(/^The request signature we calculated does not match the signature you provided\./);
  });

  test("rejects an unknown key", async () => {
    const answer = await send(signedPost({}, { ...key, accessKeyId: "AKIAUNKNOWNUNKNOWN00" }), sandbox.url);
    expect([answer.status, answer.code, answer.message]).toEqual([
      403,
      "InvalidClientTokenId",
      "The security token included in the request is invalid.",
    ]);
  });

  test("rejects an inactive key until it is active again", async () => {
    sandbox.setAccessKeyStatus(key.accessKeyId, "Inactive");
    expect((await send(signedPost(), sandbox.url)).code).toBe("InvalidClientTokenId");
    expect((await send(signedList(), sandbox.url)).code).toBe("InvalidAccessKeyId");
    sandbox.setAccessKeyStatus(key.accessKeyId, "Active");
    expect((await send(signedPost(), sandbox.url)).status).toBe(200);
  });
});

describe("session credentials", () => {
  const whole = "an unchanged session is accepted";
  const cases: [string, (good: Key, other: Key) => Key, string | undefined][] = [
    [whole, (good) => good, undefined],
    ["no token", ({ accessKeyId, secretAccessKey }) => ({ accessKeyId, secretAccessKey }), "InvalidClientTokenId"],
    [
      "a token cut short",
      (good) => ({ ...good, sessionToken: good.sessionToken?.slice(0, -2) ?? "" }),
      "InvalidClientTokenId",
    ],
    [
      "another session's token",
      (good, other) => ({ ...other, ...good, sessionToken: other.sessionToken ?? "" }),
      "InvalidClientTokenId",
    ],
    [
      "a token with an access key",
      (good) => ({ ...key, sessionToken: good.sessionToken ?? "" }),
      "InvalidClientTokenId",
    ],
    [
      "the secret of the access key",
      (good) => ({ ...good, secretAccessKey: key.secretAccessKey }),
      "SignatureDoesNotMatch",
    ],
  ];

  test.each(cases)("%s", async (_, change, code) => {
    const changed = change(await session(), await session());
    expect((await send(signedPost({}, changed), sandbox.url)).code).toBe(code);
  });

  test("rejects a token that is changed after signing", async () => {
    const [one, other] = [await session(), await session()];
    const draft = signedPost({}, one);
    draft.headers["x-amz-security-token"] = other.sessionToken ?? "";
    expect((await send(draft, sandbox.url)).code).toBe("InvalidClientTokenId");
  });

  test("expires on time, with the errors of STS and S3", async () => {
    const temporary = await session("900");
    const end = now + 15 * minutes;
    sandbox.setClock(end - 1);
    expect((await send(signedPost({ atMs: end }, temporary), sandbox.url)).status).toBe(200);
    sandbox.setClock(end);
    const late = await send(signedPost({ atMs: end }, temporary), sandbox.url);
    expect([late.status, late.code, late.message]).toEqual([
      403,
      "ExpiredToken",
      "The security token included in the request is expired",
    ]);
    const draft = { method: "GET", target: "/", headers: { "x-amz-content-sha256": emptySha256 }, body: "" };
    const list = await send(sign(draft, sandbox.url, temporary, { service: "s3", atMs: end }), sandbox.url);
    expect([list.status, list.code]).toEqual([400, "ExpiredToken"]);
  });
});

describe("the clock", () => {
  test("may be off by five minutes for STS and IAM", async () => {
    for (const off of [-5 * minutes, 5 * minutes]) {
      expect((await send(signedPost({ atMs: now + off }), sandbox.url)).status).toBe(200);
    }
    const early = await send(signedPost({ atMs: now - 15 * minutes }), sandbox.url);
    expect([early.status, early.code, early.message]).toEqual([
      403,
      "SignatureDoesNotMatch",
      "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (20260101T001500Z - 5 min.)",
    ]);
    const late = await send(signedPost({ atMs: now + 5 * minutes + 1000 }), sandbox.url);
    expect(late.message).toBe(
      "Signature not yet current: 20260101T002001Z is still later than 20260101T002000Z (20260101T001500Z + 5 min.)",
    );
  });

  test("may be off by fifteen minutes for S3", async () => {
    const list = (atMs: number) => {
      const draft = { method: "GET", target: "/", headers: { "x-amz-content-sha256": emptySha256 }, body: "" };
      return send(sign(draft, sandbox.url, sandbox.rootAccessKey, { service: "s3", atMs }), sandbox.url);
    };
    expect((await list(now - 15 * minutes)).status).toBe(200);
    const answer = await list(now - 16 * minutes);
    expect([answer.status, answer.code]).toEqual([403, "RequestTimeTooSkewed"]);
  });
});

describe("S3", () => {
  test("accepts an unsigned body, but not a wrong hash", async () => {
    key = sandbox.rootAccessKey;
    expect((await send(signedList("UNSIGNED-PAYLOAD"), sandbox.url)).status).toBe(200);
    const draft = signedList();
    draft.body = "more";
    expect((await send(draft, sandbox.url)).code).toBe("XAmzContentSHA256Mismatch");
  });

  test("returns S3's own errors", async () => {
    const draft = signedList();
    draft.headers.authorization = draft.headers.authorization?.replace(/.$/, "x") ?? "";
    const answer = await send(draft, sandbox.url);
    expect([answer.status, answer.code]).toEqual([403, "SignatureDoesNotMatch"]);
    expect(answer.body).toMatch(/^<\?xml.*\n<Error><Code>/);
    expect(answer.headers["x-amz-request-id"]).toBeDefined();
  });
});

describe("rejects invalid requests", () => {
  const set = (header: string) => (draft: Draft) => (draft.headers.authorization = header);
  const cases: [string, (draft: Draft) => unknown, number, string][] = [
    ["no signature", (draft) => delete draft.headers.authorization, 403, "MissingAuthenticationToken"],
    ["another scheme", set("Basic YWxpY2U6c2VjcmV0"), 400, "IncompleteSignature"],
    ["an empty header", set(""), 400, "IncompleteSignature"],
    ["only the algorithm", set("AWS4-HMAC-SHA256"), 400, "IncompleteSignature"],
    [
      "a scope with missing parts",
      set("AWS4-HMAC-SHA256 Credential=A/B/C, SignedHeaders=host, Signature=0"),
      400,
      "IncompleteSignature",
    ],
    ["no date", (draft) => delete draft.headers["x-amz-date"], 400, "IncompleteSignature"],
    [
      "a date that does not exist",
      (draft) => (draft.headers["x-amz-date"] = "20260231T000000Z"),
      400,
      "IncompleteSignature",
    ],
    ["an invalid percent encoding", (draft) => (draft.target = "/?a=%zz"), 400, "MalformedQueryString"],
    [
      "another service",
      (draft) => (draft.headers.authorization = draft.headers.authorization?.replace("/sts/", "/ec2/") ?? ""),
      501,
      "NotImplemented",
    ],
    ["a body that is too large", (draft) => (draft.body = "x".repeat(1_100_000)), 413, "RequestEntityTooLarge"],
  ];

  test.each(cases)("%s", async (_, change, status, code) => {
    const draft = signedPost();
    change(draft);
    const answer = await send(draft, sandbox.url);
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect((await send(signedPost(), sandbox.url)).status).toBe(200);
  });

  test("reports what is not modeled", async () => {
    const answer = await send(
      sign(post({ ...whoAmI, Action: "AssumeRoot" }), sandbox.url, key, { atMs: now }),
      sandbox.url,
    );
    expect(answer.message).toBe("This local AWS does not model the action sts:AssumeRoot");
  });
});

test("records no secrets of requests", async () => {
  await session();
  await send(signedPost({}, { ...key, secretAccessKey: "wrong" }), sandbox.url);
  expect(sandbox.requests).toEqual([
    {
      time: now,
      service: "sts",
      action: "GetSessionToken",
      accessKeyId: key.accessKeyId,
      userAgent: "",
      status: 200,
      errorCode: undefined,
    },
    {
      time: now,
      service: "sts",
      action: "GetCallerIdentity",
      accessKeyId: key.accessKeyId,
      userAgent: "",
      status: 403,
      errorCode: "SignatureDoesNotMatch",
    },
  ]);
});
