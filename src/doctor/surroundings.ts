// Checks of what is around the files: variables, the launcher, programs.

import { quoteSetting } from "../aws/secrets.ts";
import { adviseOnKeyVariables } from "../environment/variables.ts";
import type { Environment } from "../environment-variables.ts";
import { findNearest } from "../nearest.ts";
import { getProperty, readableProfiles } from "../profiles/files.ts";
import { formatOption, quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { type Check, found, lookAtProfiles, notKnown, type Problem } from "./check.ts";
import type { Facts } from "./facts.ts";

const variables: Check = {
  id: "variables",
  title: "no AWS_* variable overrides your profiles",
  why: "programs use what the variable says, whatever profile you select",
  run(facts) {
    const { env, files, profiles } = facts;
    const advice = adviseOnKeyVariables(env);
    const problems = [
      ...(advice ? [{ level: "warning", ...advice } as const] : []),
      ...others.flatMap((judge) => judge(env)),
      ...facts.missingFiles.map((name): Problem => {
        const message = `${name} is ${quote(env[name] ?? "")}, which does not exist`;
        return { level: "warning", message, fix: `unset ${name}` };
      }),
      ...judgeRegion(facts),
    ];
    if (!env.AWS_PROFILE || profiles.includes(env.AWS_PROFILE)) return found(problems);
    // The profile may be in the file that cannot be read.
    if ("unknown" in files) return { problems, unknown: [files.unknown] };
    return found([...problems, missingProfile(env.AWS_PROFILE, profiles)]);
  },
};

function missingProfile(name: string, profiles: readonly string[]): Problem {
  const meant = findNearest(name, profiles);
  return {
    level: "error",
    message: `AWS_PROFILE is ${quote(name)}, and there is no such profile`,
    fix: meant === undefined ? "unset AWS_PROFILE" : `export AWS_PROFILE=${quoteShellWord(meant)}`,
  };
}

/** Programs take these before the region of the profile; fob does not. */
function judgeRegion({ env, files, profiles }: Facts): readonly Problem[] {
  const name = ["AWS_REGION", "AWS_DEFAULT_REGION"].find((each) => env[each]);
  if (name === undefined || "unknown" in files) return [];
  const regionOf = (profile: string) => getProperty(files.value, profile, "region");
  const [first] = readableProfiles(profiles, (profile) => ![undefined, env[name]].includes(regionOf(profile)));
  if (first === undefined) return [];
  const other = regionOf(first) ?? "";
  const message = `${name} is ${quoteSetting(env[name] ?? "")}, which programs use instead of a profile's region, such as ${quoteSetting(other)}`;
  return [{ level: "note", message, fix: `if unintended: unset ${name}` }];
}

const others: readonly ((env: Environment) => readonly Problem[])[] = [
  (env) =>
    listSet(env, !env.AWS_ACCESS_KEY_ID, ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]).map((name) => ({
      level: "warning",
      message: `${name} is set without AWS_ACCESS_KEY_ID, and some programs refuse half a key`,
      fix: `unset ${name}`,
    })),
  (env) =>
    listSet(env, env.AWS_SECURITY_TOKEN !== env.AWS_SESSION_TOKEN, ["AWS_SECURITY_TOKEN"]).map((name) => ({
      level: "warning",
      message: `${name} is set, which boto3 prefers to AWS_SESSION_TOKEN`,
      fix: `unset ${name}`,
    })),
  (env) =>
    listSet(env, Boolean(env.AWS_PROFILE) && env.AWS_DEFAULT_PROFILE !== env.AWS_PROFILE, ["AWS_DEFAULT_PROFILE"]).map(
      (name) => ({
        level: "warning",
        message: `${name} names another profile than AWS_PROFILE, and programs differ in which they take`,
        fix: `unset ${name}`,
      }),
    ),
  (env) =>
    listSet(env, true, ["AWS_WEB_IDENTITY_TOKEN_FILE"]).map((name) => ({
      level: "warning",
      message: `${name} is set, which some SDKs take before the profile`,
      fix: `unset ${name}`,
    })),
  (env) =>
    Object.keys(env)
      .filter((name) => /^AWS_ENDPOINT_URL(_|$)/.test(name) && env[name])
      .sort()
      .map((name) => ({
        level: "note",
        message: `${name} sends the calls of every profile to ${quoteSetting(env[name] ?? "")}`,
        fix: `if unintended: unset ${name}`,
      })),
  (env) =>
    listSet(env, true, ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]).map((name) => ({
      level: "note",
      message: `${name} is read instead of the file in ~/.aws`,
      fix: `if unintended: unset ${name}`,
    })),
  (env) =>
    listSet(env, true, ["AWS_MFA_SERIAL"]).map((name) => ({
      level: "note",
      message: `${name} is the MFA device for every profile`,
      fix: `if you have several users: unset ${name}`,
    })),
];

const listSet = (env: Environment, counts: boolean, names: readonly string[]): readonly string[] =>
  counts ? names.filter((name) => env[name]) : [];

const launcher: Check = {
  id: "launcher",
  title: "the launcher of credential_process finds Node.js and fob",
  why: "programs that get their credentials from fob fail, or use the fob on PATH",
  run({ launcher: known, fobSessions, withoutProgram }) {
    if ("unknown" in known) return notKnown(known.unknown);
    const { value } = known;
    const missing = withoutProgram.map(({ profile: subject, path }): Problem => {
      const fix = `fob credential-process --install ${quoteProfileArgument(subject)}`;
      return { level: "error", subject, message: `its credential_process ${quote(path)} does not exist`, fix };
    });
    if (value === undefined || value.gone.length === 0) return found(missing);
    const profile = fobSessions[0]?.profile ?? "PROFILE";
    return found([
      ...missing,
      {
        ...{ level: "error", file: value.path },
        message: `starts ${value.gone.map(quote).join(" and ")}, which no longer exists`,
        fix: value.canRepair ? "fob doctor --fix" : `install fob, then: fob credential-process --install ${profile}`,
        ...(value.canRepair ? { repair: { kind: "launcher" } as const } : {}),
      },
    ]);
  },
};

const versions: Check = {
  id: "versions",
  title: "no version of aws or Node.js is known to fail",
  why: "some profiles do not work with it, although fob and other programs read them",
  run(facts) {
    const { aws, node } = facts.programs;
    const ofNode = judgeNode(node);
    if ("unknown" in aws) return { problems: ofNode, unknown: [aws.unknown] };
    if (aws.value === undefined) return found(ofNode);
    const version = readVersion(/^aws-cli\/(\d+)\.(\d+)/.exec(aws.value));
    if (version === undefined) return { problems: ofNode, unknown: ["aws --version does not print a version"] };
    const { problems, unknown } = lookAtProfiles(facts, (profile, files) =>
      judgeAws(version, profile, (key) => getProperty(files, profile, key) !== undefined),
    );
    return { problems: [...ofNode, ...problems], unknown };
  },
};

type Version = readonly [major: number, minor: number];

const readVersion = (match: RegExpExecArray | null): Version | undefined =>
  match ? [Number(match[1]), Number(match[2])] : undefined;

const isBefore = ([major, minor]: Version, [otherMajor, otherMinor]: Version): boolean =>
  major < otherMajor || (major === otherMajor && minor < otherMinor);

/**
 * `aws login` came with 2.32, `aws sso login` with version 2.
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
 */
function judgeAws(version: Version, subject: string, has: (key: string) => boolean): readonly Problem[] {
  const needs = [
    { command: "aws login", isUsed: has("login_session"), from: [2, 32] },
    { command: "aws sso login", isUsed: has("sso_session") || has("sso_start_url"), from: [2, 0] },
  ] as const;
  return needs
    .filter(({ isUsed, from }) => isUsed && isBefore(version, from))
    .map(({ command, from }) => ({
      ...{ level: "error", subject },
      message: `signs in with ${command}, which aws ${version.join(".")} does not have`,
      fix: `install aws ${from.join(".")} or later, then: ${command} ${formatOption("--profile", subject)}`,
    }));
}

/** What the SDK for JavaScript says on Node.js 20 (measured). */
function judgeNode(node: string): readonly Problem[] {
  if (!isBefore(readVersion(/^(\d+)\.(\d+)/.exec(node)) ?? [0, 0], [22, 0])) return [];
  return [
    {
      level: "note",
      message: `Node.js ${node} runs fob, but from January 2027 on the AWS SDK for JavaScript needs Node.js 22`,
      fix: "install Node.js 22 or later for programs that use that SDK",
    },
  ];
}

export const surroundingChecks: readonly Check[] = [variables, launcher, versions];
