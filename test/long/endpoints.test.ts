// Where STS is: which setting wins, which region and partition, and whether the host is AWS's own.

import { writeFileSync } from "node:fs";
import { STSClient } from "@aws-sdk/client-sts";
import { describe, expect, test, vi } from "vitest";
import { findCustomEndpointHost, readConfiguredEndpoints } from "../../src/aws/endpoints.ts";
import { chooseRegion, getDefaultRegion, getPartition, isRegion } from "../../src/aws/partitions.ts";
import { isThere } from "../helpers/needed.ts";
import { execute, makeWorld, type World } from "../helpers/world.ts";
import { failedLogin } from "../network/failing.ts";
import { type Front, startFront, startProxy } from "../network/servers.ts";

describe("of several settings", () => {
  type Place = "STS" | "ALL" | "SERVICE" | "PROFILE";
  /** A world with an STS for each place where an endpoint can be set. */
  async function worldWith(places: readonly Place[]): Promise<{ world: World; asked: () => Place[] }> {
    const world = await makeWorld();
    const fronts = new Map<Place, Front>();
    for (const place of places) fronts.set(place, await startFront({ to: world.sandbox.url }));
    const set = (place: Place, text: (url: string) => string): string => {
      const url = fronts.get(place)?.url;
      return url === undefined ? "" : text(url);
    };
    writeFileSync(
      world.configPath,
      world.config() +
        set("PROFILE", (url) => `endpoint_url = ${url}\n`) +
        set("SERVICE", (url) => `services = local\n[services local]\nsts =\n  endpoint_url = ${url}\n`),
    );
    world.env.AWS_ENDPOINT_URL = set("ALL", (url) => url);
    world.env.AWS_ENDPOINT_URL_STS = set("STS", (url) => url);
    for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"]) {
      if (world.env[name] === "") Reflect.deleteProperty(world.env, name);
    }
    return {
      world,
      asked: () => [...fronts].filter(([, { exchanges }]) => exchanges.length > 0).map(([place]) => place),
    };
  }

  const cases: [Place, Place[]][] = [
    ["STS", ["STS", "ALL", "SERVICE", "PROFILE"]],
    ["ALL", ["ALL", "SERVICE", "PROFILE"]],
    ["SERVICE", ["SERVICE", "PROFILE"]],
    ["PROFILE", ["PROFILE"]],
  ];

  test.each(cases)("%s is the one for the code, of %j", async (wins, places) => {
    const { world, asked } = await worldWith(places);
    const result = await world.fob(["login", "work", "--code", world.device.code()]);
    expect(result.status, result.stderr).toBe(0);
    expect(asked()).toEqual([wins]);
  });

  test.skipIf(!isThere("aws", "--version"))("the aws command decides in the same way", async () => {
    const some = cases;
    const worlds = await Promise.all(some.map(([, places]) => worldWith(places)));
    const commands = worlds.map(({ world }) =>
      execute("aws", ["sts", "get-caller-identity", "--profile", "work"], { env: world.env }),
    );
    expect((await Promise.all(commands)).map(({ status }) => status)).toEqual(some.map(() => 0));
    expect(worlds.map(({ asked }) => asked())).toEqual(some.map(([wins]) => [wins]));
  });

  test("with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS none is, and the code goes to AWS", async () => {
    const { world, asked } = await worldWith(["STS", "ALL", "SERVICE", "PROFILE"]);
    const proxy = await startProxy({ refuses: 403 });
    const env = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "True", HTTPS_PROXY: proxy.url };
    await failedLogin(world, { env });
    expect(asked()).toEqual([]);
    expect(new Set(proxy.asked)).toEqual(new Set(["CONNECT sts.eu-central-1.amazonaws.com:443"]));
  });
});

test.each([
  ["legacy", "eu-central-1", "sts.amazonaws.com"],
  ["legacy", "eu-south-1", "sts.eu-south-1.amazonaws.com"],
  ["regional", "eu-central-1", "sts.eu-central-1.amazonaws.com"],
])("with sts_regional_endpoints = %s, %s is asked at %s", async (setting, region, host) => {
  const world = await makeWorld();
  const lines = `[profile work]\nsts_regional_endpoints = ${setting}\n`;
  const config = world.config().replace("[profile work]\n", lines).replace("eu-central-1", region);
  writeFileSync(world.configPath, config);
  const proxy = await startProxy({ refuses: 403 });
  await failedLogin(world, { env: { AWS_ENDPOINT_URL: undefined, HTTPS_PROXY: proxy.url } });
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${host}:443`]));
});

describe("an endpoint to which no code may go is refused before anything is asked", () => {
  test.each([
    ["http://sts.eu-central-1.amazonaws.com", "is not https, so anyone on the network could read your credentials"],
    ["http://127.0.0.1.evil.example:4566", "is not https"],
    ["http://localhost.evil.example", "is not https"],
    ["http://0.0.0.0:4566", "is not https"],
    ["ftp://127.0.0.1", "is not https"],
    ["127.0.0.1:4566", "is not"],
    ["not a URL", "is not a URL"],
    ["https://jane:s3cr3t@sts.example", "contains a user name or password, which AWS does not accept"],
    ["https://jane:s3cr3t@sts.example:99999", "contains a user name or password"],
    ["https://jane:12#s3cr3t@sts.example", "contains a user name or password"],
    ["http://jane:12#s3cr3t@sts.example", "contains a user name or password"],
    ["jane:s3cr3t@sts.example", "contains a user name or password"],
  ])("%s", async (url, problem) => {
    const world = await makeWorld();
    const run = world.fobOnTerminal(["login", "work"], { env: { AWS_ENDPOINT_URL_STS: url } });
    const { status, screen } = await run.ended;
    expect(status).toBe(1);
    expect(screen).toContain(problem);
    expect(screen).toContain("hint: find where it is set: env | grep AWS_ENDPOINT_URL");
    expect(screen).not.toMatch(/Code for|s3cr3t/);
  });

  test.each([
    "http://localhost:1",
    "http://127.0.0.1:1",
    "http://127.9.9.9:1",
    "http://[::1]:1",
    "https://sts.example/path",
  ])("%s is not refused", (url) => {
    const none = () => undefined;
    expect(readConfiguredEndpoints({ AWS_ENDPOINT_URL: url }, none)).toEqual({ sts: url, iam: url, signin: url });
    expect(readConfiguredEndpoints({ AWS_ENDPOINT_URL_IAM: url }, none)).toMatchObject({ sts: undefined, iam: url });
  });
});

test("a host that is not AWS's is named before the code is asked", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows(`fob: warning: the code goes to "${new URL(world.sandbox.url).host}", which is not AWS`);
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  expect(await run.ended).toMatchObject({ status: 0 });
});

/** A region of each partition, and some that look unusual. */
const regions = [
  ...["us-east-1", "eu-central-1", "ap-southeast-7", "mx-central-1", "il-central-1", "me-south-1"],
  ...["cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1", "us-isob-east-1"],
  ...["eu-isoe-west-1", "us-isof-south-1", "us-isof-east-1", "eusc-de-east-1"],
];

/** What the SDK's own rules make of a region. */
function hostsOf(region: string): string[] {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  const { endpointProvider } = new STSClient({ region }).config;
  return [false, true].flatMap((UseFIPS) =>
    [false, true].map(
      (UseDualStack) => endpointProvider({ Region: region, UseFIPS, UseDualStack, UseGlobalEndpoint: false }).url.host,
    ),
  );
}

describe("whether a host is AWS's", () => {
  test.each(regions)("the SDK's endpoints for %s are, FIPS and dual-stack too", (region) => {
    const hosts = hostsOf(region);
    expect(hosts[0]).toContain(`sts.${region}.`);
    expect(hosts.filter((host) => findCustomEndpointHost(`https://${host}`) !== undefined)).toEqual([]);
  });

  test.each([
    "https://sts.amazonaws.com",
    "https://STS.EU-CENTRAL-1.AMAZONAWS.COM/",
    "https://sts.eu-central-1.amazonaws.com:443",
    "https://vpce-0123456789abcdef0-abcdefgh.sts.eu-central-1.vpce.amazonaws.com",
    "https://vpce-0123456789abcdef0-abcdefgh-eu-central-1a.sts.eu-central-1.vpce.amazonaws.com",
    "https://vpce-0123456789abcdef0-abcdefgh.sts.cn-north-1.vpce.amazonaws.com.cn",
  ])("%s is", (url) => expect(findCustomEndpointHost(url)).toBeUndefined());

  test.each([
    ["https://sts.amazonaws.com.evil.example", "the domain's end is another owner's"],
    ["https://evil-amazonaws.com", "its beginning too"],
    ["https://sts.eu-central-1.amazonaws.com@evil.example", "a user name is no host"],
    ["https://stsXeu-central-1.amazonaws.com", "a dot is a dot"],
    ["https://x.s3.amazonaws.com", "anybody's bucket"],
    ["https://sts.s3.amazonaws.com", "a bucket that is called sts"],
    ["https://sts.s3-eu-west-1.amazonaws.com", "the same, by S3's old name"],
    ["https://sts.s3-website-us-east-1.amazonaws.com", "the same, as a web site"],
    ["https://sts.s3-accelerate.amazonaws.com", "the same, accelerated"],
    ["https://my-lb.us-east-1.elb.amazonaws.com", "anybody's load balancer"],
    ["https://sts.us-east-1.elb.amazonaws.com", "a load balancer with a name like that"],
    ["https://abc.execute-api.eu-central-1.amazonaws.com", "anybody's API"],
    ["https://ec2-192-0-2-1.compute-1.amazonaws.com", "anybody's machine"],
    ["https://sts.x.eu-central-1.amazonaws.com", "no such thing"],
    ["http://sts.eu-central-1.amazonaws.com", "without TLS it may be anybody"],
    ["https://192.0.2.1", "an address"],
    ["http://127.0.0.1:4566", "this computer"],
  ])("%s is not: %s", (url) => expect(findCustomEndpointHost(url)).toBe(new URL(url).host));
});

describe("the region, and so the host, that a device's ARN stands for when none is configured", () => {
  test.each([
    ["aws", "sts.us-east-1.amazonaws.com"],
    ["aws-cn", "sts.cn-north-1.amazonaws.com.cn"],
    ["aws-us-gov", "sts.us-gov-west-1.amazonaws.com"],
    ["aws-iso", "sts.us-iso-east-1.c2s.ic.gov"],
    ["aws-iso-b", "sts.us-isob-east-1.sc2s.sgov.gov"],
    ["aws-iso-e", "sts.eu-isoe-west-1.cloud.adc-e.uk"],
    ["aws-iso-f", "sts.us-isof-south-1.csp.hci.ic.gov"],
    ["aws-eusc", "sts.eusc-de-east-1.amazonaws.eu"],
  ])("%s: %s", async (partition, host) => {
    const world = await makeWorld({ config: "[profile work]\n" });
    const proxy = await startProxy({ refuses: 403 });
    const { error } = await failedLogin(world, {
      env: { AWS_ENDPOINT_URL: undefined, HTTPS_PROXY: proxy.url },
      args: ["--serial", `arn:${partition}:iam::123456789012:mfa/jane`],
    });
    expect(error).toContain(`did not connect to "${host}"`);
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${host}:443`]));
  });

  test.each([
    [{ AWS_USE_FIPS_ENDPOINT: "true" }, "sts-fips.eu-central-1.amazonaws.com"],
    [{ AWS_USE_DUALSTACK_ENDPOINT: "true" }, "sts.eu-central-1.api.aws"],
    [{ AWS_REGION: "ap-south-1" }, "sts.eu-central-1.amazonaws.com"],
  ])("with the profile's region and %j: %s", async (variables, host) => {
    const world = await makeWorld();
    const proxy = await startProxy({ refuses: 403 });
    await failedLogin(world, { env: { AWS_ENDPOINT_URL: undefined, HTTPS_PROXY: proxy.url, ...variables } });
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${host}:443`]));
  });

  test("a device of another partition than the region is refused before anything is sent", async () => {
    const world = await makeWorld();
    const args = ["--serial", "arn:aws-cn:iam::123456789012:mfa/jane"];
    const { error, hints } = await failedLogin(world, { args });
    expect(error).toContain("is in the partition aws, but the MFA device is in aws-cn");
    expect(hints).toEqual([
      "use a region in that partition: fob login work --serial arn:aws-cn:iam::123456789012:mfa/jane --region cn-north-1",
    ]);
    expect(world.sandbox.requests).toEqual([]);
  });
});

describe("regions and partitions", () => {
  test.each(regions)("%s is in the partition whose default region has the same domain", (region) => {
    const domain = (of: string): string => (hostsOf(of)[0] ?? "").replace(`sts.${of}.`, "");
    const fallback = getDefaultRegion(getPartition(region));
    expect(fallback).toBeDefined();
    expect(domain(fallback ?? "")).toBe(domain(region));
    expect(isRegion(region)).toBe(true);
  });

  test.each([
    "",
    "eu",
    "eu-central-1.evil.example",
    "eu-central-1/",
    "eu-central-1#",
    "EU-CENTRAL-1",
    "-eu-1",
    "eu_central_1",
    "a@b",
  ])("%j is no region: it would become a part of a host name", (region) => expect(isRegion(region)).toBe(false));

  test("a partition newer than fob takes the region that is configured, and needs one", () => {
    const chosen = { region: "zz-new-1", from: "--region" };
    expect(chooseRegion(chosen, "aws-new", () => "fob login work")).toBe("zz-new-1");
    expect(() => chooseRegion(undefined, "aws-new", () => "fob login work")).toThrow(
      'fob has no default for the partition "aws-new"',
    );
  });

  test("a hardware token says nothing of its partition", () => {
    expect(chooseRegion(undefined, undefined, () => "fob login work")).toBe("us-east-1");
    expect(chooseRegion({ region: "cn-north-1", from: "--region" }, undefined, () => "fob login work")).toBe(
      "cn-north-1",
    );
  });
});
