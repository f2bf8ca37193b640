// `fob rollout plan`: who can be put under the enforcement policy, in which batches.
import { exitCodes, UsageError } from "../../../errors.ts";
import { snapshotActions } from "../../../iam/read.ts";
import { simulatedCalls } from "../../../iam/simulated.ts";
import { findNearest } from "../../../nearest.ts";
import { needsHistory } from "../../../rollout/key-history.ts";
import { canBeIncluded, makePlan, type Plan, simulatePlan } from "../../../rollout/plan.ts";
import { formatJson, quote, quoteShellWord } from "../../../text.ts";
import { withAccount } from "../../account.ts";
import { printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { chooseFormat } from "../../options.ts";
import {
  administratorOptions,
  groupOption,
  parseBatchSize,
  parseGroup,
  parseVariant,
  variantOptions,
} from "./options.ts";
import { formatPlan, formatPlanMarkdown } from "./plan-text.ts";

const formats = ["table", "json", "markdown"] as const;

export const rolloutPlanCommand = defineCommand({
  name: "rollout plan",
  description:
    "Reads the account, finds out for every user whether MFA can be enforced without a lockout, and proposes batches: " +
    "one user first, then a few at a time, administrators last. Changes nothing. Users who are not ready, programs, " +
    "unused users and break-glass users are in no batch. Says what each user will lose without MFA. Looks in CloudTrail for " +
    "what access keys were used for, of the first ten users who would be ready.",
  options: {
    ...groupOption,
    batchSize: { value: "2...5", text: "put this many users into a batch (default: 3)" },
    exclude: { value: "user", many: true, text: "leave this user out of the batches" },
    include: {
      value: "user",
      many: true,
      text: "put this user into a batch although the user is not ready; fob rollout apply will ask for an override",
    },
    breakGlass: { value: "user", many: true, text: "treat this user as a break-glass user, as the tag fob-role does" },
    ...variantOptions,
    simulate: {
      text: `also ask AWS's policy simulator about the users of the batches, with ${simulatedCalls} calls for each user; where it disagrees with fob, the user is in no batch`,
    },
    out: { value: "file", text: "also write the plan to this file, for fob rollout apply" },
    format: { value: "format", text: "table, json or markdown (default: table)", choices: formats },
    json: { text: "short for --format json" },
    printPolicy: { text: "print the policy that this command needs, and do nothing else" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob rollout plan --profile admin",
    "fob rollout plan --simulate --out plan.json",
    "fob rollout plan --exclude ivy --batch-size 5 --format markdown",
  ],
  async run(_, options, context) {
    if (options.printPolicy) {
      const simulator = options.simulate ? ["iam:SimulatePrincipalPolicy"] : [];
      return printLeastPolicy([...snapshotActions, ...planPermissions, ...simulator].sort(), context);
    }
    const format = chooseFormat(options, formats);
    const group = parseGroup(options.group);
    const batchSize = parseBatchSize(options.batchSize);
    const policy = parseVariant(options);
    const { exclude = [], include = [], breakGlass = [] } = options;
    const plan = await withAccount(options, "fob rollout plan", context, async ({ snapshot, aws }) => {
      const { addHistories } = await import("./key-history.ts");
      const now = context.now();
      const account = await addHistories(snapshot, aws, (user) => needsHistory(user, { group, breakGlass, now }));
      const planOptions = { group, policy, batchSize, exclude, include, breakGlass, now };
      const made = makePlan(account, planOptions);
      if (!options.simulate) return made;
      const { connectSimulator } = await import("../../simulator.ts");
      const simulated = await simulatePlan(account, made, connectSimulator(aws));
      return makePlan(account, { ...planOptions, simulated });
    });
    checkNames(plan, { exclude, include, "break-glass": breakGlass });
    if (options.out !== undefined) await writePlan(options.out, plan, context);
    context.stdout.write(render(plan, format, context));
    if (format === "table") sayNext(plan, options.out, context);
    return exitCodes.done;
  },
});

/** What CloudTrail is asked with, and about which keys. */
const planPermissions = ["cloudtrail:LookupEvents"];

/** @throws UsageError for a user who does not exist, or cannot be included */
function checkNames({ users, account }: Plan, given: Readonly<Record<string, readonly string[]>>): void {
  for (const [option, names] of Object.entries(given)) {
    for (const name of names) {
      const user = users.find((each) => each.user.toLowerCase() === name.toLowerCase());
      if (user === undefined) {
        const nearest = findNearest(
          name,
          users.map((each) => each.user),
        );
        throw new UsageError(
          `no user ${quote(name)} (from --${option}) in account ${account}`,
          nearest === undefined ? "aws iam list-users" : `did you mean: ${nearest}`,
        );
      }
      if (option === "include" && !canBeIncluded(user.state)) {
        const why = user.state === "break-glass" ? "is a break-glass user" : "is in the group already";
        throw new UsageError(`${quote(user.user)} (from --include) ${why}`, "fob rollout plan");
      }
    }
  }
}

async function writePlan(path: string, plan: Plan, { say }: Context): Promise<void> {
  const { assertReplaceable, beginReplace, resolveFile } = await import("../../../files/replace.ts");
  const file = resolveFile(path);
  assertReplaceable(file);
  const replacement = beginReplace(file);
  replacement.write(Buffer.from(formatJson(plan)));
  replacement.commit();
  say.note(`wrote ${quote(path)}`);
}

function render(plan: Plan, format: (typeof formats)[number], { stdout }: Context): string {
  if (format === "json") return formatJson(plan);
  if (format === "markdown") return formatPlanMarkdown(plan);
  return formatPlan(plan, stdout.columns);
}

function sayNext({ batches, breakGlass }: Plan, out: string | undefined, { say }: Context): void {
  if (breakGlass.length === 0) {
    say.warning("this account has no break-glass user, and without one no batch is applied");
    say.hint("fob rollout break-glass");
  }
  if (batches.length === 0) return;
  say.hint(out === undefined ? "fob rollout plan --out plan.json" : `fob rollout apply --plan ${quoteShellWord(out)}`);
}
