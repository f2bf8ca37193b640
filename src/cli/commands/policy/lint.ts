// `fob policy lint`: checks a policy and suggests fixes.
import { homepage, version } from "../../../../package.json";
import { partitionNames } from "../../../aws/partitions.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { type Finding, formatFindings, formatFindingsJson, summarizeFindings } from "../../../findings.ts";
import { parseDocument } from "../../../policy/engine/document.ts";
import { toDocumentAsGiven } from "../../../policy/input/as-given.ts";
import { type FoundPolicy, isCutOff } from "../../../policy/input/find.ts";
import { type Kind, type LintOptions, lint, type Finding as PolicyFinding } from "../../../policy/lint/lint.ts";
import { rules } from "../../../policy/lint/rules.ts";
import { formatSarif } from "../../../sarif.ts";
import { quote } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { chooseFormat } from "../../options.ts";
import { type PolicyFile, warnIfCutOff } from "./files.ts";
import { fixFiles, optionsFor } from "./fix-files.ts";
import { readPolicyFiles } from "./folders.ts";

const formats = ["text", "json", "sarif"] as const;
const kinds: readonly Kind[] = ["enforcement", "role", "scp"];

export const policyLintCommand = defineCommand({
  name: "policy lint",
  description:
    "Checks identity-based policies and suggests fixes: syntax AWS rejects, unknown names, ARNs that match nothing, " +
    "and, in a policy that denies requests without MFA, gaps and lockouts. docs/policy-rules.md lists the rules. " +
    "Exits with 3 if it finds an error, or if it could not check everything. A file is JSON or YAML: a policy or its " +
    "statements, the output of aws iam " +
    "get-policy-version, get-group-policy, get-user-policy, get-role-policy or get-account-authorization-details, a " +
    "CloudFormation or SAM template, the output of terraform show -json, or a Terraform state. fob checks every " +
    "identity-based policy and service control policy in it, but no trust policies.",
  takes: {
    name: "file",
    atLeast: 1,
    atMost: Number.POSITIVE_INFINITY,
    text: "files with policies, as JSON or YAML; - for stdin; of a folder, all .json, .yaml, .yml and .template files in it and in folders below",
  },
  options: {
    as: {
      value: "kind",
      text: "check it as an MFA enforcement policy (enforcement), a policy of a role (role) or a service control policy (scp) (default: detect)",
      choices: kinds,
    },
    partition: {
      value: "partition",
      text: "require this partition in every ARN, e.g. aws-cn (default: any one, but not a mix)",
      choices: partitionNames,
    },
    format: {
      value: "format",
      text: "text, json, or sarif for code scanning, which expects paths from the working directory (default: text)",
      choices: formats,
    },
    json: { text: "short for --format json" },
    allowUnknown: {
      text: "do not exit with 3 because of what fob could not check: values known only after deployment, files that are cut off",
    },
    fix: { text: "print the file with all safe fixes applied; remaining findings go to stderr" },
    write: { text: "with --fix: write it to the file instead; then --format prints the remaining findings" },
  },
  examples: [
    "fob policy lint enforce-mfa-policy.json",
    "fob policy lint --as enforcement --partition aws-us-gov policy.json",
    "fob policy lint --as scp require-mfa.json",
    "fob policy show | fob policy lint -",
    "aws iam get-account-authorization-details | fob policy lint -",
    "fob policy lint --fix --write enforce-mfa-policy.json",
    "fob policy lint policies modules/mfa/policy.json template.yaml",
    "fob policy lint --format sarif policies > fob.sarif",
  ],
  async run(paths, { as, partition, ...options }, context) {
    for (const [flag, value, choices] of [
      ["--as", as, kinds],
      ["--partition", partition, partitionNames],
    ] as const) {
      if (value === undefined || choices.some((choice) => choice === value)) continue;
      throw new UsageError(`invalid ${flag} ${quote(value)}`, `choose one of: ${choices.join(", ")}`);
    }
    const { fix, write, allowUnknown } = options;
    if (write && !fix) throw new UsageError("--write requires --fix", "fob policy lint --help");
    const isFormatted = options.json === true || options.format !== undefined;
    if (fix && !write && isFormatted) throw createTwoOutputsError(paths, context);
    const format = chooseFormat(options, formats);
    const { files, isPartial } = await readPolicyFiles(paths, context);
    for (const file of files) warnIfCutOff(file, context);
    const lintOptions = { as: kinds.find((kind) => kind === as), partition };
    const checked = fix ? await fixFiles(files, lintOptions, write === true, context) : files;
    const found = checked.flatMap((each) => lintFile(each, lintOptions));
    const isUnchecked =
      isPartial || files.some(({ documents }) => documents.some(isDocumentCutOff)) || found.some(isNotChecked);
    const findings = allowUnknown ? found.map(acceptUnknown) : found;
    if (!fix || isFormatted) context.stdout.write(writers[format](findings, context.stdout.columns));
    else for (const line of formatFindings(findings).split("\n").slice(0, -1)) context.say.note(line);
    if (fix) noteNotFixed(found.filter(({ patch }) => patch !== undefined).length, context);
    const but = isUnchecked ? ", but not everything could be checked" : "";
    context.say.note(`${describeFiles(checked)}: ${summarizeFindings(findings)}${fix ? " left" : ""}${but}`);
    if (isUnchecked && !allowUnknown) {
      context.say.hint(`to accept that: ${formatCommand(context.typed, { set: { allowUnknown: true } })}`);
      return exitCodes.notFresh;
    }
    return findings.some(({ level }) => level === "error") ? exitCodes.notFresh : exitCodes.done;
  },
});

/** Of --fix with --format: both print to stdout. */
function createTwoOutputsError(paths: readonly string[], { typed }: Context): UsageError {
  return new UsageError(
    "--fix prints the fixed file, so it needs --write to print findings with --format or --json",
    paths.includes("-")
      ? `print the fixed file first: ${formatCommand(typed, { without: ["format", "json"] })} > fixed.json`
      : `write the file, and print what is left: ${formatCommand(typed, { set: { write: true } })}`,
  );
}

const isDocumentCutOff = ({ value }: PolicyFile["documents"][number]): boolean => isCutOff(value);

const isNotChecked = ({ rule }: Finding): boolean => rule === "not-checked";

const acceptUnknown = (finding: Finding): Finding =>
  isNotChecked(finding) ? { ...finding, level: "warning" } : finding;

/** Says why findings that have a patch are still there. */
function noteNotFixed(count: number, { say }: Context): void {
  if (count === 0) return;
  const which = count === 1 ? "one fix was" : `${count} fixes were`;
  say.note(`${which} not made: a function, an anchor, an alias or a comment is in the way, or there are too many`);
}

function lintFile({ source, policies }: PolicyFile, options: LintOptions): (Finding & Pick<PolicyFinding, "patch">)[] {
  return policies.flatMap((policy) =>
    lint(policy.json, optionsFor(policy, options)).map((finding) => ({
      file: source.path,
      ...(policy.name === undefined ? {} : { subject: policy.name }),
      ...toDocumentAsGiven(finding, policy.form),
      message: nameStatement(policy, finding),
    })),
  );
}

/** All of a policy that is a text in the file has the place of the text: the message says which statement it is. */
function nameStatement({ form, json }: FoundPolicy, { path, message }: PolicyFinding): string {
  const [element, index] = path;
  if ((form !== "text" && form !== "encoded text") || element !== "Statement" || typeof index !== "number")
    return message;
  if (message.startsWith("Statement[")) return message;
  const sid = parseDocument(json.value).statements.find((statement) => statement.path[1] === index)?.sid;
  return `Statement[${index}]${sid === undefined ? "" : ` (${sid})`}: ${message}`;
}

function describeFiles(files: readonly PolicyFile[]): string {
  const count = files.flatMap(({ policies }) => policies).length;
  const [first, ...more] = files;
  const policies = count === 1 ? "" : `${count} policies`;
  if (first === undefined || more.length > 0) return `${policies} in ${files.length} files`;
  return policies === "" ? quote(first.source.path) : `${quote(first.source.path)} (${policies})`;
}

const writers: Readonly<Record<(typeof formats)[number], (findings: readonly Finding[], columns: number) => string>> = {
  text: formatFindings,
  json: formatFindingsJson,
  sarif: (findings) => formatSarif(findings, { version, homepage, rules, help, folder: process.cwd() }),
};

const help =
  "Each finding says how to fix it. `docs/policy-rules.md` of fob has an example of every rule. " +
  "`fob policy simulate` shows what a policy allows with and without MFA.";
