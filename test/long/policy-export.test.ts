// Tests the output of `fob policy export` with independent tools: cfn-lint, HashiCorp's own parser and botocore.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { type ExportFormat, type ExportOptions, exportPolicies } from "../../src/policy/export/export.ts";
import { escapeDocument, writeBlock } from "../../src/policy/export/hcl.ts";
import { formatYaml } from "../../src/policy/export/yaml.ts";
import { isThere } from "../helpers/needed.ts";
import { temporaryFolder } from "../helpers/world.ts";

type Variant = Omit<ExportOptions, "format">;

const both = [false, true];
const variants: readonly Variant[] = both.flatMap((organization) =>
  both.flatMap((withRecorder) =>
    both.flatMap((withAllUsersRule) =>
      [
        { partition: "aws", region: "us-east-1" },
        { partition: "aws-us-gov", region: "us-gov-west-1", maxAgeSeconds: 43_200 },
        { partition: "aws-cn", region: "cn-north-1", passwordChange: false, viaAwsService: true },
      ].map(({ partition, region, ...policy }) => ({
        ...{ organization, withRecorder, withAllUsersRule, partition, region },
        ...{ enforce: enforceMfaPolicy(policy), selfManage: selfManagePolicy({ partition }) },
      })),
    ),
  ),
);
const exported = (format: ExportFormat, variant: Variant): string => exportPolicies({ ...variant, format }).text;
function run(file: string, args: readonly string[], input: string): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { input, encoding: "utf8" });
  if (error) throw error;
  expect(stderr).toBe("");
  expect(status, stdout).toBe(0);
  return stdout;
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Properties: Readonly<Record<string, unknown>> }>>;
}
const templateOf = (text: string): Template => JSON.parse(text) as Template;
const bodyOf = (template: Template, id: string): string => String(template.Resources[id]?.Properties.TemplateBody);

function expectPolicies({ Resources }: Template, { enforce, selfManage }: Variant): void {
  expect(Resources.EnforceMfaPolicy?.Properties.PolicyDocument).toEqual(enforce);
  expect(Resources.SelfManageMfaPolicy?.Properties.PolicyDocument).toEqual(selfManage);
}

describe.skipIf(!isThere("cfn-lint", "--version"))("cfn-lint", () => {
  const lint = (regions: readonly string[], texts: Readonly<Record<string, string>>): string => {
    const folder = temporaryFolder();
    const files = Object.entries(texts).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const { stdout, stderr } = spawnSync(
      "cfn-lint",
      ["--format", "parseable", "--regions", ...regions, "--", ...files],
      {
        encoding: "utf8",
      },
    );
    return stdout + stderr;
  };

  test("finds no problem in templates, in the templates inside them, and in the conformance pack", () => {
    for (const region of new Set(variants.map((variant) => variant.region))) {
      const texts: Record<string, string> = {};
      for (const [index, variant] of variants.entries()) {
        if (variant.region !== region) continue;
        const text = exported("cloudformation", variant);
        const template = templateOf(text);
        texts[`${index}.json`] = text;
        if (!variant.organization) {
          expectPolicies(template, variant);
          continue;
        }
        const stackSet = bodyOf(template, "RequireMfaStackSet");
        expectPolicies(templateOf(stackSet), variant);
        texts[`${index}-stack-set.json`] = stackSet;
        texts[`${index}-conformance-pack.yaml`] = bodyOf(template, "RequireMfaConformancePack");
      }
      expect(Object.keys(texts)).toHaveLength(16);
      expect(lint([region], texts)).toBe("");
    }
  }, 120_000);

  test("finds a misspelled property, even in the conformance pack", () => {
    const [text = ""] = variants.map((variant) => exported("cloudformation", variant));
    expect(lint(["us-east-1"], { "bad.json": text.replace('"GroupName"', '"GroupNmae"') })).toContain("GroupNmae");
    const organization = variants.find((variant) => variant.organization);
    const pack = bodyOf(
      templateOf(organization ? exported("cloudformation", organization) : "{}"),
      "RequireMfaConformancePack",
    );
    expect(lint(["us-east-1"], { "bad.yaml": pack.replace("ConfigRuleName", "RuleName") })).toContain("RuleName");
  });
});

describe.skipIf(!isThere("python3", "-c", "import yaml"))("PyYAML", () => {
  const parse = (text: string): unknown =>
    JSON.parse(
      run("python3", ["-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"], text),
    );

  test("reads the same template from YAML as from JSON", () => {
    for (const variant of variants)
      expect(parse(exported("yaml", variant))).toEqual(templateOf(exported("cloudformation", variant)));
  });

  test("reads any value unchanged", () => {
    const texts = fc.oneof(
      fc.constantFrom(
        "",
        "Null",
        "yes",
        "2012-10-17",
        "12",
        "1e3",
        "- a",
        "a: b",
        "#",
        "\n",
        'a"b',
        `$\{aws:username}`,
        "*",
      ),
      fc.string(),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.oneof(texts, fc.boolean(), fc.integer(), fc.constant(null)),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(texts, tie("tree"), { maxKeys: 3, noNullPrototype: true }),
      ),
    }));
    const value = { values: fc.sample(tree, 2000) };
    expect(parse(formatYaml(value))).toEqual(value);
  });
});

interface Module {
  readonly [name: string]: Readonly<Record<string, string>>;
}

describe.skipIf(!isThere("hcl-json", "--version"))("HashiCorp's parser", () => {
  const parse = (text: string): Module => JSON.parse(run("hcl-json", [], text)) as Module;

  test.each(variants)("reads the module and finds it formatted like terraform fmt, variant %#", (variant) => {
    const text = exported("terraform", variant);
    const module = parse(text);
    const template = templateOf(exported("cloudformation", variant));
    if (variant.organization) {
      const stackSet = templateOf(module["resource aws_cloudformation_stack_set require_mfa"]?.template_body ?? "");
      expectPolicies(stackSet, variant);
      expect(stackSet).toEqual(templateOf(bodyOf(template, "RequireMfaStackSet")));
      const pack = module["resource aws_config_organization_conformance_pack require_mfa"]?.template_body;
      expect(pack).toBe(bodyOf(template, "RequireMfaConformancePack"));
    } else {
      const policy = (name: string) => JSON.parse(module[`resource aws_iam_policy ${name}`]?.policy ?? "") as object;
      expect(policy("enforce_mfa_policy")).toEqual(variant.enforce);
      expect(policy("self_manage_mfa_policy")).toEqual(variant.selfManage);
    }
    const there = Object.keys(module).map((name) => name.replace(/^resource /, "").replaceAll(" ", "."));
    const named = [...text.matchAll(/(?<![\w."])(data\.)?(aws_\w+\.\w+)(?=[.,\]])|\bvar\.(\w+)/g)].map(
      ([, data = "", resource, variable = ""]) => (resource === undefined ? `variable.${variable}` : data + resource),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(there).toEqual(expect.arrayContaining(named));
  });

  test("reads any text unchanged, in quotes and in heredocs", () => {
    const pieces = ["$", "${", "%", "%{", "{", "}", '"', "\\", "\\n", "\n", "\t", "a", "ä", "~"];
    const texts = fc.sample(
      fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((some) => some.join("")),
      2000,
    );
    const blocks = texts.map((text, index) =>
      writeBlock("text", [String(index)], { quoted: text, marked: escapeDocument(text) }),
    );
    const module = parse(blocks.join("\n"));
    for (const [index, text] of texts.entries()) {
      expect(module[`text ${index}`]).toEqual({ quoted: text, marked: `${text}\n` });
    }
  });
});

describe.skipIf(!isThere("python3", "-c", "import botocore"))("botocore", () => {
  const script = resolve(import.meta.dirname, "../helpers/aws_calls.py");
  const check = (calls: unknown): string => run("python3", [script], JSON.stringify(calls));
  const callsOf = (variant: Variant) => (JSON.parse(exported("json", variant)) as { calls: readonly object[] }).calls;

  test("accepts every call and its parameters", () => {
    const calls = variants.flatMap(callsOf);
    expect(calls.length).toBeGreaterThan(variants.length);
    expect(check(calls)).toBe("");
  });

  test("rejects a misspelled parameter and an unknown resource type", () => {
    const recorder = variants.find(({ organization, withRecorder }) => withRecorder && !organization);
    const text = JSON.stringify(recorder ? callsOf(recorder) : []);
    expect(check(JSON.parse(text.replace("PolicyName", "PolicyNmae")))).toContain("PolicyNmae");
    expect(check(JSON.parse(text.replace("AWS::IAM::User", "AWS::IAM::Usr")))).toContain("AWS::IAM::Usr is none of");
  });
});
