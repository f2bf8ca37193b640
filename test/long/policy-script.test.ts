// Runs the script of `fob policy export --format sh` with the real `aws` command against an IAM that keeps its state.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arnOf, type IamApi, startIamApi } from "../helpers/iam-api.ts";
import { isThere } from "../helpers/needed.ts";
import { execute, node, program, type Result, temporaryFolder } from "../helpers/world.ts";

describe.skipIf(!isThere("aws", "--version"))("the script, with the aws command", { timeout: 120_000 }, () => {
  let api: IamApi;
  beforeEach(async () => {
    api = await startIamApi();
  });
  afterEach(() => api.close());

  const runScript = async (...options: readonly string[]): Promise<Result & { changes: readonly string[] }> => {
    const folder = temporaryFolder();
    const file = join(folder, "require-mfa.sh");
    const env = {
      ...{ PATH: process.env.PATH, HOME: folder, AWS_ENDPOINT_URL: api.url },
      ...{
        AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY: "not-a-secret",
        AWS_DEFAULT_OUTPUT: "table",
      },
    };
    writeFileSync(
      file,
      (await execute(node, [program, "policy", "export", "--format", "sh", ...options], { env })).stdout,
    );
    const before = api.state.changes.length;
    const result = await execute("sh", [file], { env });
    return { ...result, changes: api.state.changes.slice(before) };
  };
  const enforceArn = arnOf("policy", "enforce-mfa-policy");
  /** Reorders the keys of objects, as other tools do. */
  const reorder = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(reorder)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, each]) => [key, reorder(each)]),
          )
        : value;
  const edit = (change: (document: string) => string): void => {
    const versions = api.state.policies.get(enforceArn) ?? [];
    versions.push(change(versions.at(-1) ?? ""));
  };
  const attach = ["AttachGroupPolicy", "AttachGroupPolicy"];

  test("creates everything beside what is there, and keeps it when it runs again, also with members", async () => {
    const { policies, groups, rules } = api.state;
    for (const name of ["a-policy", "b-policy"]) policies.set(arnOf("policy", name), ["{}"]);
    for (const name of ["a", "b"]) groups.set(name, { attached: new Set(), inline: [], members: [] });
    const { status, stderr, changes } = await runScript();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(changes).toEqual(["CreatePolicy", "CreatePolicy", "CreateGroup", ...attach, "PutConfigRule"]);
    expect([...(groups.get("RequireMFA")?.attached ?? [])].sort()).toEqual([
      enforceArn,
      arnOf("policy", "self-manage-mfa-policy"),
    ]);
    expect([...rules]).toEqual([["mfa-enabled-for-iam-console-access", "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS"]]);

    groups.get("RequireMFA")?.members.push("alice", "bob");
    edit((document) => JSON.stringify(reorder(JSON.parse(document))));
    const again = await runScript();
    expect(again).toMatchObject({ status: 0, stderr: "", changes: attach });
    expect(again.stdout.match(/^kept: /gm)).toHaveLength(4);
  });

  test("stops before a change if a policy has another document, and names the version to look at", async () => {
    await runScript();
    edit((document) => document.replace('"iam:GetUser",', ""));
    const { status, stderr, changes } = await runScript();
    expect({ status, changes }).toEqual({ status: 1, changes: [] });
    expect(stderr).toContain(`--policy-arn ${enforceArn} --version-id v2 `);
    // Another variant of the policy is another document too.
    api.state.policies.get(enforceArn)?.pop();
    expect(await runScript("--max-age", "12h")).toMatchObject({ status: 1, changes: [] });
  });

  test("attaches nothing to a group with members, and stops at a group with other policies", async () => {
    const members = ["alice"];
    api.state.groups.set("RequireMFA", { attached: new Set(), inline: [], members });
    const stopped = await runScript();
    expect(stopped).toMatchObject({ status: 1, changes: [] });
    expect(stopped.stderr).toMatch(/^stopped: the group RequireMFA has members/);

    for (const others of [
      { attached: new Set([arnOf("policy", "theirs")]), inline: [] },
      { attached: new Set<string>(), inline: ["theirs"] },
    ]) {
      api.state.groups.set("RequireMFA", { ...others, members: [] });
      const { status, stderr, changes } = await runScript();
      expect({ status, changes }).toEqual({ status: 1, changes: [] });
      expect(stderr).toMatch(/^stopped: the group RequireMFA exists with other policies/);
    }
  });

  test("without a recorder everything but the rule exists, and the next run adds it; another rule stays", async () => {
    api.state.hasRecorder = false;
    const { status, stderr } = await runScript();
    expect(status).toBe(1);
    expect(stderr).toMatch(/NoAvailableConfigurationRecorderException.*need a configuration recorder in us-east-1/s);
    api.state.hasRecorder = true;
    expect(await runScript()).toMatchObject({ status: 0, changes: [...attach, "PutConfigRule"] });
    api.state.rules.set("mfa-enabled-for-iam-console-access", "IAM_USER_MFA_ENABLED");
    expect(await runScript()).toMatchObject({ status: 1, changes: attach });
  });
});
