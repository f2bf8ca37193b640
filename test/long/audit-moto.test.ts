// The audit against moto (https://docs.getmoto.org), an AWS of others. Its credential report has no root user, and it has
// neither the compliance of Config's rules nor the simulator: what it does not have is unknown.
import { join } from "node:path";
import { IAM } from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import type { Audit } from "../../src/audit/audit.ts";
import { addUser, startMoto } from "../helpers/moto.ts";
import { isThere } from "../helpers/needed.ts";
import { makeWorld } from "../helpers/world.ts";

const region = "us-east-1";

async function startAccount() {
  const world = await makeWorld();
  const endpoint = await startMoto();
  const anyone = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "any" };
  const iam = new IAM({ endpoint, region, credentials: anyone });
  await addUser(iam, "admin", { actions: "*", hasPassword: false, hasDevice: false });
  await addUser(iam, "break-glass", { actions: "*", role: "break-glass" });
  await addUser(iam, "ben");
  await addUser(iam, "dan", { hasDevice: false });
  const { AccessKey } = await iam.createAccessKey({ UserName: "admin" });
  const env = {
    ...{ AWS_ENDPOINT_URL: endpoint, AWS_REGION: region, FOB_HOME: join(world.home, "store") },
    ...{ AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId, AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey },
  };
  const audit = async (...options: string[]) => {
    const run = await world.fob(["audit", "--json", ...options], { env, cwd: world.home });
    expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 3 });
    const { checks } = JSON.parse(run.stdout) as Audit;
    return (id: string) => checks.find((check) => check.id === id);
  };
  /** Asks AWS Config, in moto's form: it checks no signature. */
  const config = async (operation: string, input: object): Promise<void> => {
    const authorization = `AWS4-HMAC-SHA256 Credential=any/20260101/${region}/config/aws4_request, SignedHeaders=host, Signature=0`;
    const headers = { authorization, "x-amz-target": `StarlingDoveService.${operation}` };
    const { status } = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(input) });
    expect(status).toBe(200);
  };
  return { audit, config };
}

test.skipIf(!isThere("moto_server", "--help"))(
  "moto: what holds, what does not, and what it does not have",
  async () => {
    const { audit, config } = await startAccount();
    const find = await audit();
    const names = (id: string) => find(id)?.subjects.map(({ name }) => name);
    expect(names("every-active-user-has-mfa")).toEqual(["admin", "dan"]);
    expect(names("enforced-for-every-user")).toEqual(["ben", "dan"]);
    expect(names("break-glass-strong")).toEqual(["break-glass"]);
    expect(find("break-glass-exists")).toMatchObject({ result: "pass" });
    expect(find("break-glass-monitored")).toMatchObject({ result: "fail" });
    expect(find("root-mfa")).toMatchObject({ result: "unknown" });
    expect(find("config-rule-compliant")).toMatchObject({
      ...{ result: "unknown", reason: "us-east-1: no rule about MFA, and no recorder" },
    });

    await config("PutConfigurationRecorder", {
      ConfigurationRecorder: { name: "default", roleARN: "arn:aws:iam::123456789012:role/config" },
    });
    const Source = { Owner: "AWS", SourceIdentifier: "IAM_USER_MFA_ENABLED" };
    await config("PutConfigRule", { ConfigRule: { ConfigRuleName: "mine", Source } });
    const fresh = await audit("--fresh");
    expect(fresh("config-rule-compliant")).toMatchObject({
      ...{ result: "unknown", reason: expect.stringContaining("mine in us-east-1: compliance: ") as string },
    });
    expect(fresh("every-active-user-has-mfa")?.subjects.map(({ name }) => name)).toEqual(["admin", "dan"]);
    expect(fresh("enforced-for-every-user")?.subjects[0]?.evidence).toContain(
      "what AWS's simulator says is not known: ",
    );
  },
);
