// What a source profile says of endpoints, certificates and output counts for its session too.
import { appendFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { run, withFob } from "../helpers/shells.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

const settings = `output = json
ca_bundle = /etc/ssl/certs/ca-certificates.crt
services = local
use_dualstack_endpoint = false
use_fips_endpoint = false
sts_regional_endpoints = regional
cli_pager =
s3 =
    max_concurrent_requests = 20
    addressing_style = path
`;
const services =
  "\n[services local]\ns3 =\n  endpoint_url = http://127.0.0.1:9/s3\ndynamodb =\n  endpoint_url = http://127.0.0.1:9/ddb\n";

async function withSettings(more = ""): Promise<World> {
  const world = await makeWorld();
  writeFileSync(world.configPath, `# mine\n${world.config()}${settings}${more}${services}\n# the end\n`);
  return world;
}

const login = (world: World) => world.fob(["login", "work", "--code", world.device.code()]);
const sectionOf = (world: World): string => world.config().split("[profile work-mfa]")[1] ?? "";

test("a login copies them into the session profile, and the logout takes them back", async () => {
  const world = await withSettings();
  const before = world.config();
  expect((await login(world)).status).toBe(0);
  expect(world.config().startsWith(before)).toBe(true);
  for (const line of [
    "output = json",
    "services = local",
    "use_fips_endpoint = false",
    "cli_pager =",
    "region = eu-central-1",
  ]) {
    expect(sectionOf(world)).toContain(`\n${line}\n`);
  }
  expect(sectionOf(world)).toContain("\ns3 =\n  max_concurrent_requests = 20\n  addressing_style = path\n");
  // Again there is nothing to do, and a new session changes nothing.
  const after = world.config();
  await world.fob(["login", "work"]);
  await world.fob(["login", "work", "--force", "--code", world.device.code(Date.now() + 30_000)]);
  expect(world.config()).toBe(after);

  await world.fob(["logout", "work"]);
  expect(world.config()).toBe(`${before}\n[profile work-mfa]\nregion = eu-central-1\n`);
});

test("what the session profile says itself stays, and what was changed since", async () => {
  const world = await withSettings("\n[profile work-mfa]\noutput = text\n");
  await login(world);
  expect(sectionOf(world)).toContain("output = text\n");
  expect(sectionOf(world)).not.toContain("output = json");
  writeFileSync(
    world.configPath,
    world
      .config()
      .replace(/(work-mfa\][\s\S]*addressing_style = )path/, "$1virtual")
      .replace(/(work-mfa\][\s\S]*sts_regional_endpoints = )regional/, "$1legacy"),
  );
  await world.fob(["logout", "work"]);
  const left = sectionOf(world).split("\n[")[0];
  expect(left).toContain("output = text\n");
  expect(left).toContain("sts_regional_endpoints = legacy\n");
  expect(left).toContain("s3 =\n  max_concurrent_requests = 20\n  addressing_style = virtual\n");
  expect(left).not.toContain("services");
});

test("a session that is there already gets them without a code", async () => {
  const world = await makeWorld();
  await login(world);
  writeFileSync(world.configPath, world.config().replace("[profile work]\n", "[profile work]\noutput = yaml\n"));
  const { stderr } = await world.fob(["login", "work"]);
  expect(stderr).toContain("no code needed");
  expect(sectionOf(world)).toContain("output = yaml\n");
  await world.fob(["logout", "work"]);
  expect(sectionOf(world)).not.toContain("output");
});

test("a config that cannot be read keeps the settings, and nothing else", async () => {
  const world = await withSettings();
  await login(world);
  appendFileSync(world.configPath, "[broken\n");
  const { status, stderr } = await world.fob(["logout", "--all"]);
  expect(stderr).toContain('warning: settings copied from "work" are still in "work-mfa": ');
  expect(status).toBe(0);
  expect(world.credentials()).not.toContain("ASIA");
});

test("credential-process --install copies them too", async () => {
  const world = await withSettings();
  await login(world);
  await world.fob(["logout", "work"]);
  await world.fob(["credential-process", "--install", "work"]);
  expect(sectionOf(world)).toContain("\ns3 =\n  max_concurrent_requests = 20\n");
  // The profile goes on without a session, so it keeps them.
  await world.fob(["login", "work", "--code", world.device.code(Date.now() + 30_000)]);
  await world.fob(["logout", "work"]);
  expect(sectionOf(world)).toContain("output = json\n");
});

test("env and exec set them, unless the environment says something else", async () => {
  const world = await withSettings();
  await login(world);
  const wanted = {
    AWS_DEFAULT_OUTPUT: "json",
    AWS_CA_BUNDLE: "/etc/ssl/certs/ca-certificates.crt",
    AWS_USE_FIPS_ENDPOINT: "false",
    AWS_USE_DUALSTACK_ENDPOINT: "false",
    AWS_STS_REGIONAL_ENDPOINTS: "regional",
    AWS_PAGER: "",
  };
  const json = ["env", "work", "--shell", "json"];
  const printed = JSON.parse((await world.fob(json)).stdout) as Record<string, string>;
  expect(printed).toMatchObject(wanted);
  // The tests' own AWS_ENDPOINT_URL is for all services.
  expect(Object.keys(printed).filter((name) => name.startsWith("AWS_ENDPOINT_URL"))).toEqual([]);
  const own = await world.fob(json, { env: { AWS_DEFAULT_OUTPUT: "text", AWS_CA_BUNDLE: "" } });
  expect(JSON.parse(own.stdout)).not.toHaveProperty("AWS_DEFAULT_OUTPUT");
  const { stdout } = await run("bash", "fob exec work -- sh -c 'env | grep -e ^AWS_PAGER -e OUTPUT | sort'", {
    env: withFob(world.env),
  });
  expect(stdout).toBe("AWS_DEFAULT_OUTPUT=json\nAWS_PAGER=\n");
});

test("the endpoints of single services, and a role profile's own settings before the source's", async () => {
  const world = await withSettings(`endpoint_url = URL\n`);
  writeFileSync(world.configPath, world.config().replace("URL", world.sandbox.url));
  await login(world);
  const env = { AWS_ENDPOINT_URL: undefined };
  const of = async (profile: string) =>
    JSON.parse((await world.fob(["env", profile, "--shell", "json"], { env })).stdout) as Record<string, string>;
  expect(await of("work-mfa")).toMatchObject({
    AWS_ENDPOINT_URL: world.sandbox.url,
    AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9/s3",
    AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:9/ddb",
  });
  const Principal = { AWS: `arn:aws:iam::${world.sandbox.account}:root` };
  const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }] };
  const { arn } = world.sandbox.addRole({ name: "prod", trust, policies: [] });
  appendFileSync(world.configPath, `\n[profile prod]\nrole_arn = ${arn}\nsource_profile = work-mfa\noutput = table\n`);
  expect(await of("prod")).toMatchObject({ AWS_DEFAULT_OUTPUT: "table", AWS_ENDPOINT_URL: world.sandbox.url });
});

test("values that not every reader takes as they are stay where they are", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}cli_pager = less -R # mine\noutput = json\n`);
  expect((await login(world)).status).toBe(0);
  expect(sectionOf(world)).not.toContain("cli_pager");
  expect(sectionOf(world)).toContain("output = json\n");
  // No quotes in a file for Docker, which has no use for a pager.
  const dotenv = await world.fob(["env", "work", "--shell", "dotenv"]);
  expect(dotenv.stdout).toContain("AWS_DEFAULT_OUTPUT=json\n");
  expect(dotenv.stdout).not.toContain("AWS_PAGER");
});

test("a session profile that another source takes over has none of the old one's settings", async () => {
  const world = await makeWorld();
  const other = world.sandbox.addUser({ name: "home", policies: [] });
  const device = world.sandbox.addVirtualDevice("home", "home");
  appendFileSync(world.credentialsPath, `\n${keysOf("home", other.accessKey)}`);
  const ofWork = "output = json\ncli_pager =\nregion = eu-central-1\n";
  const config = `[profile work]\n${ofWork}mfa_serial = ${world.device.serialNumber}\n[profile home]\noutput = text\nmfa_serial = ${device.serialNumber}\n`;
  writeFileSync(world.configPath, config);
  await world.fob(["login", "work", "--to", "day", "--code", world.device.code()]);
  expect(world.config()).toMatch(
    /\[profile day\]\nregion = eu-central-1\noutput = json\ncli_pager =\nfob_source_profile = work\n/,
  );
  await world.fob(["login", "home", "--to", "day", "--code", device.code()]);
  expect(world.config()).toMatch(/\[profile day\]\noutput = text\nfob_source_profile = home\n/);
  await world.fob(["logout", "day"]);
  expect(world.config()).toMatch(/\[profile day\]\nfob_source_profile = home\n$/);
});

test("a setting that changes in the source changes in the session profile, unless the user has changed it there", async () => {
  const world = await makeWorld();
  const source = (lines: string): string =>
    world.config().replace(/\[profile work\]\n([^[]*\n)*?mfa_serial/, `[profile work]\n${lines}mfa_serial`);
  writeFileSync(world.configPath, source("region = eu-central-1\noutput = json\n"));
  await world.fob(["login", "work", "--code", world.device.code()]);
  writeFileSync(world.configPath, source("region = eu-west-1\noutput = text\n"));
  expect((await world.fob(["login", "work"])).status).toBe(0);
  expect(world.config()).toContain("[profile work-mfa]\nregion = eu-west-1\noutput = text\n");
  writeFileSync(
    world.configPath,
    world.config().replace("[profile work-mfa]\nregion = eu-west-1", "[profile work-mfa]\nregion = us-east-2"),
  );
  writeFileSync(world.configPath, source("region = eu-north-1\noutput = text\n"));
  expect((await world.fob(["login", "work"])).status).toBe(0);
  expect(world.config()).toContain("[profile work-mfa]\nregion = us-east-2\noutput = text\n");
});
