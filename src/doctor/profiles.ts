// Checks of the profiles: what some program reads differently, or stumbles over.

import { findNearest } from "../nearest.ts";
import { adviseOnOldToken, formatEditor } from "../profiles/advice.ts";
import { type AwsFile, type AwsFiles, getProperty, placeOfSetting, readableProfiles } from "../profiles/files.ts";
import {
  classifyKeys,
  classifyOwnKeys,
  classifyProcess,
  findKeychainId,
  isStaleToken,
  tokenIn,
} from "../profiles/inspect.ts";
import { adviseOnSerial, findSerialsInRoles, listSourceFixes, resolveRoleChain } from "../roles/chain.ts";
import { chooseSessionProfiles } from "../session/profile-pair.ts";
import { serialKeys } from "../session/settings.ts";
import { expiryIn, expiryKeys } from "../store/session.ts";
import { formatOption, quote, quoteProfileArgument } from "../text.ts";
import { type Check, found, joinOutcomes, lookAtProfiles, notKnown, type Outcome, type Problem } from "./check.ts";
import type { Answer, Facts } from "./facts.ts";
import { atLine } from "./files.ts";

const shadowed: Check = {
  id: "shadowed-process",
  title: "no access key hides a credential_process",
  why: "SDKs take the key and never run the command, also after the key has expired",
  run: (facts) => lookAtProfiles(facts, findShadow),
};

function findShadow(subject: string, files: AwsFiles): readonly Problem[] {
  const process = classifyProcess(files, subject);
  const file = [files.credentials, files.config].find((each) => classifyKeys(each.properties(subject)) !== "none");
  const key = file?.properties(subject)?.get("aws_access_key_id");
  if (process === "none" || file === undefined || key === undefined) return [];
  const kind = classifyKeys(file.properties(subject));
  const isRemoved = process === "fob" && kind === "temporary" && file === files.credentials;
  return [
    {
      ...{ level: "error", subject, file: file.path, ...atLine(key.line) },
      message: `has ${kind === "temporary" ? "temporary" : "long-term"} credentials beside its credential_process`,
      fix: isRemoved
        ? `fob credential-process --install ${quoteProfileArgument(subject)}`
        : `remove the keys, or credential_process: ${formatEditor(file.path, key.line)}`,
    },
  ];
}

const tokens: Check = {
  id: "stale-token",
  title: "every temporary key has its token, and no profile has that of an older session",
  why: "AWS refuses a key without its token or with another, and boto3 and aws prefer aws_security_token",
  run: (facts) => lookAtProfiles(facts, (profile, files) => findTokens(profile, files)),
};

function findTokens(subject: string, { credentials, config }: AwsFiles): readonly Problem[] {
  return [credentials, config].flatMap((file) => {
    const properties = file.properties(subject);
    const [old, session] = ["aws_security_token", "aws_session_token"].map((key) => properties?.get(key));
    const isLongTerm = classifyKeys(properties) === "long-term";
    const id = properties?.get("aws_access_key_id");
    if (id?.value.startsWith("ASIA") && tokenIn(properties) === undefined) {
      const problem = "has a temporary access key without aws_session_token";
      const fix = `remove the key, and log in again: ${formatEditor(file.path, id.line)}`;
      return [{ level: "error", subject, file: file.path, ...atLine(id.line), message: problem, fix } as const];
    }
    const stale = [isStaleToken(properties) ? old : undefined, isLongTerm ? session : undefined];
    return stale.flatMap((token): Problem[] => {
      if (!token?.value) return [];
      const canRepair = token === old && file.kind === "credentials";
      return [
        {
          ...{ level: "error", subject, file: file.path, ...atLine(token.line) },
          ...adviseOnOldToken(file, token, subject),
          ...(canRepair ? { repair: { kind: "security token", profile: subject } as const } : {}),
        },
      ];
    });
  });
}

const sourceWithoutRole: Check = {
  id: "source-without-role",
  title: "every source_profile is beside a role_arn",
  why: "the Go SDK, and so Terraform and eksctl, refuses a profile with source_profile and no role_arn",
  run: (facts) =>
    lookAtProfiles(facts, (subject, files) => {
      if (getProperty(files, subject, "source_profile") === undefined) return [];
      if (getProperty(files, subject, "role_arn") !== undefined) return [];
      const { path, line } = placeOfSetting(files, subject, "source_profile");
      return [
        {
          ...{ level: "error", subject, file: path, ...atLine(line) },
          message: "has source_profile, but no role_arn",
          fix: `rename it to fob_source_profile, or remove it: ${formatEditor(path, line)}`,
        },
      ];
    }),
};

const serialInRole: Check = {
  id: "role-serial",
  title: "no role profile with a session as its source has an mfa_serial",
  why: "the session has MFA already: boto3 asks for another code on stdin, and the SDK for JavaScript fails",
  run(facts) {
    if ("unknown" in facts.files) return notKnown(facts.files.unknown);
    const files = facts.files.value;
    const isSession = (profile: string): boolean => isSessionProfile(profile, files, facts);
    // A profile that cannot be read is not known, nor is a role that leads nowhere.
    const { unknown } = lookAtProfiles(facts, (profile) => {
      if (getProperty(files, profile, "mfa_serial") !== undefined) resolveRoleChain(profile, files);
      return [];
    });
    const problems = findSerialsInRoles(isSession, files).map((serial): Problem => {
      const place = { subject: serial.profile, file: serial.path, ...atLine(serial.line) };
      return { level: "error", ...place, ...adviseOnSerial(serial) };
    });
    return { problems, unknown };
  },
};

function isSessionProfile(profile: string, files: AwsFiles, { fobSessions }: Facts): boolean {
  return (
    fobSessions.some((session) => session.profile === profile) ||
    classifyProcess(files, profile) === "fob" ||
    classifyOwnKeys(files, profile) === "temporary"
  );
}

const roleSource: Check = {
  id: "role-source",
  title: "every role profile has a source whose credentials programs find",
  why: "programs fail with the role, although the role itself is right",
  run: (facts) =>
    lookAtProfiles(facts, (subject, files) => {
      const source = getProperty(files, subject, "source_profile");
      if (source === undefined || getProperty(files, subject, "role_arn") === undefined) return [];
      const { path, line } = placeOfSetting(files, subject, "source_profile");
      const place = { subject, file: path, ...atLine(line) };
      const [session = ""] = chooseSessionProfiles(source, files, facts.fobSessions);
      if (!facts.profiles.includes(source)) {
        // A session profile goes with its session.
        const isSession = (name: string): boolean =>
          classifyOwnKeys(files, name) === "long-term" &&
          chooseSessionProfiles(name, files, facts.fobSessions).includes(source);
        if (readableProfiles(facts.profiles, isSession).length > 0) return [];
        const meant = findNearest(source, facts.profiles) ?? "PROFILE";
        const message = `its source_profile ${quote(source)} does not exist`;
        return [{ ...place, level: "error", message, fix: listSourceFixes(subject, meant, files)[0] ?? "" }];
      }
      const hasOwn = [files.credentials, files.config].some((file) => classifyKeys(file.properties(source)) !== "none");
      if (hasOwn || findKeychainId(files, source) === undefined) return [];
      // fob gets the role all the same.
      const message = `only fob gets this role: the access key of its source_profile ${quote(source)} is in the keychain`;
      return [{ ...place, level: "note", message, fix: listSourceFixes(subject, session, files).join("; then ") }];
    }),
};

const temporarySource: Check = {
  id: "temporary-source",
  title: "no source profile has temporary credentials",
  why: "a session needs a long-term access key, so the next login fails",
  run(facts) {
    if ("unknown" in facts.files) return notKnown(facts.files.unknown);
    const files = facts.files.value;
    const named = new Set(facts.fobSessions.map(({ source }) => source));
    const sourceOf = (profile: string): string | undefined => getProperty(files, profile, "fob_source_profile");
    const linked = readableProfiles(facts.profiles, (profile) => sourceOf(profile) !== undefined);
    for (const profile of linked) named.add(sourceOf(profile));
    return lookAtProfiles(facts, (subject) => {
      // A device is for the login of a source profile.
      const hasDevice = serialKeys.some((key) => getProperty(files, subject, key) !== undefined);
      const isLogin = hasDevice && getProperty(files, subject, "role_arn") === undefined;
      const isOfFob = facts.fobSessions.some(({ profile }) => profile === subject);
      const isSource = named.has(subject) || subject.endsWith("-long-term") || (isLogin && !isOfFob);
      if (!isSource || classifyOwnKeys(files, subject) !== "temporary") return [];
      const { path, line } = placeOfSetting(files, subject, "aws_access_key_id");
      return [
        {
          ...{ level: "error", subject, file: path, ...atLine(line) },
          message: "is a source profile, but has temporary credentials in place of its access key",
          fix: `enter the access key again: aws configure ${formatOption("--profile", subject)}`,
        },
      ];
    });
  },
};

const expired: Check = {
  id: "expired-session",
  title: "no other tool has left an expired session",
  why: "programs that use the profile fail, and some of them do not say why",
  run({ sessions, each, now, answers }) {
    if ("unknown" in sessions) return notKnown(sessions.unknown);
    const over = sessions.value.filter(({ foreign, state }) => foreign && state === "expired");
    const endless = "value" in answers ? answers.value.endless : [];
    return joinOutcomes([
      ...endless.map(({ profile, answer }) => judgeEndless(profile, answer, each)),
      found(
        over.map(({ profile: subject, writtenTo: [place] }): Problem => {
          const { credentials } = each;
          const isInCredentials = "path" in credentials && place?.file === credentials.path;
          const line = "path" in credentials && isInCredentials ? (lineOfExpiry(credentials, subject, now) ?? 1) : 1;
          return {
            ...{ level: "warning", subject, ...(place ? { file: place.file, ...atLine(line) } : {}) },
            message: "has a session from another tool, which has expired",
            fix: isInCredentials
              ? "remove its keys: fob doctor --fix"
              : `remove its keys: ${formatEditor(place?.file ?? "", line)}`,
            ...(isInCredentials ? { repair: { kind: "expired session", profile: subject } as const } : {}),
          };
        }),
      ),
    ]);
  },
};

/** A session that does not say when it ends: `aws configure mfa-login` writes none. */
function judgeEndless(subject: string, answer: Answer<unknown>, { credentials }: Facts["each"]): Outcome {
  if ("value" in answer) return found([]);
  const unknown = `${quote(subject)} does not say when its session expires, and AWS was not asked`;
  if ("unknown" in answer) return notKnown(`${unknown}: ${answer.unknown}`);
  const { cause, message } = answer.failure;
  const isRejected = cause instanceof Error && /^(ExpiredToken|InvalidClientTokenId)/.test(cause.name);
  if (!isRejected) return notKnown(`${unknown}: ${message}`);
  if (!("path" in credentials)) return notKnown(unknown);
  const { path } = credentials;
  const line = credentials.properties(subject)?.get("aws_access_key_id")?.line ?? 1;
  return found([
    {
      ...{ level: "warning", subject, message: "has a session from another tool, which AWS rejects" },
      fix: `log in with that tool again, or remove its keys: ${formatEditor(path, line)}`,
    },
  ]);
}

function lineOfExpiry(file: AwsFile, profile: string, now: number): number | undefined {
  const properties = file.properties(profile);
  const expiry = expiryIn(properties);
  if (expiry === undefined || expiry > now) return undefined;
  return expiryKeys.map((key) => properties?.get(key)?.line).find((line) => line !== undefined);
}

const plaintext: Check = {
  id: "keychain",
  title: "no long-term access key is in the AWS files",
  why: "every program that you start can read it there; fob can keep it in the system's keychain",
  run: (facts) =>
    lookAtProfiles(facts, (subject, { credentials, config }) => {
      const file = [credentials, config].find((each) => classifyKeys(each.properties(subject)) === "long-term");
      const line = file?.properties(subject)?.get("aws_access_key_id")?.line;
      if (file === undefined || line === undefined) return [];
      const place = { subject, file: file.path, ...atLine(line) };
      const fix = `fob keys import ${quoteProfileArgument(subject)}`;
      return [{ level: "note", ...place, message: "has its access key in plaintext", fix }];
    }),
};

export const profileChecks: readonly Check[] = [
  ...[shadowed, tokens, sourceWithoutRole, roleSource, serialInRole, temporarySource, expired, plaintext],
];
