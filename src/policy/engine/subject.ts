// The user who makes requests, and the context keys that follow from the user.
import { type PolicyDocument, parseDocument } from "./document.ts";
import type { RequestContext } from "./evaluate.ts";
import type { ParsedStatement } from "./grammar.ts";

export interface Subject {
  readonly arn: string;
  /** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable */
  readonly context: RequestContext;
}

/** Parses the ARN of a user, with or without a path; returns undefined for anything else. */
export function parseUserArn(arn: string): Subject | undefined {
  const [, account, name] = /^arn:[\w-]+:iam::(\d{12}):user\/(?:[!-~]+\/)?([\w+=,.@-]{1,64})$/.exec(arn) ?? [];
  if (account === undefined || name === undefined) return undefined;
  const context = {
    "aws:username": name,
    "aws:PrincipalArn": arn,
    "aws:PrincipalAccount": account,
    "aws:PrincipalType": "User",
  };
  return { arn, context };
}

/** What AWS says about a user. */
export interface UserDetails {
  readonly arn: string;
  /** The unique ID, `AIDA…`. */
  readonly id: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** The user's ID and tags are in the context of the user's requests. Returns undefined if the ARN is not a user's. */
export function describeUser({ arn, id, tags }: UserDetails): Subject | undefined {
  const subject = parseUserArn(arn);
  if (subject === undefined) return undefined;
  const ofTags = Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value]));
  return { arn, context: { ...subject.context, ...(id === undefined ? {} : { "aws:userid": id }), ...ofTags } };
}

/**
 * Makes up a user to show policies with, whom they do not name, in their partition and account: that of the users in
 * their resources, one that a condition requires, or else one that no condition names.
 */
export function makeExampleUser(policies: readonly PolicyDocument[]): Subject {
  const resources = policies
    .flatMap(listStatements)
    .flatMap((statement) => statement.resources.map(({ template }) => template.text));
  const find = (pattern: RegExp): string | undefined =>
    resources.map((text) => pattern.exec(text)?.[1]).find((name) => name !== undefined);
  const partition = find(/^arn:([\w-]+):/) ?? "aws";
  const account = find(/^arn:[^:]*:iam::(\d{12}):(?:user|mfa)\//) ?? chooseAccount(policies);
  const name = ["alice", "carol", "dave"].find((each) => !resources.some((text) => text.endsWith(`/${each}`)));
  const subject = parseUserArn(`arn:${partition}:iam::${account}:user/${name ?? "example-user"}`);
  if (subject === undefined) throw new Error("the example is not a user");
  return subject;
}

const listStatements = (policy: PolicyDocument): readonly ParsedStatement[] => parseDocument(policy).statements;

function chooseAccount(policies: readonly PolicyDocument[]): string {
  const conditions = policies
    .flatMap(listStatements)
    .flatMap((statement) => statement.conditions)
    .filter(({ lowerKey }) => lowerKey === "aws:principalaccount");
  const list = (tested: typeof conditions): readonly string[] =>
    tested.flatMap(({ values }) => values.map(({ text }) => text)).filter((text) => /^\d{12}$/.test(text));
  const [required] = list(conditions.filter(({ name }) => !/not/i.test(name)));
  const named = list(conditions);
  const examples = ["123456789012", "111122223333", "444455556666"];
  return required ?? examples.find((each) => !named.includes(each)) ?? "777788889999";
}

/** Merges two contexts. Keys ignore case, and values of `more` win. */
export function mergeContexts(context: RequestContext, more: RequestContext): RequestContext {
  const later = new Set(Object.keys(more).map((key) => key.toLowerCase()));
  const merged: Record<string, RequestContext[string]> = {};
  for (const [key, value] of Object.entries(context)) if (!later.has(key.toLowerCase())) merged[key] = value;
  return Object.assign(merged, more);
}
