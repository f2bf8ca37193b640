// Checks of what AWS says: the way there, the clock, the access keys and the devices.
import { type Device, isRoot } from "../aws/arn.ts";
import { describeClock, setClock } from "../aws/clock.ts";
import { createFidoError } from "../devices/choose.ts";
import { type AwsFiles, readableProfiles } from "../profiles/files.ts";
import { classifyOwnKeys, findKeychainId } from "../profiles/inspect.ts";
import { formatOption, maskKeyId, quote, quoteProfileArgument } from "../text.ts";
import { type Check, found, joinOutcomes, lookAtProfiles, notKnown, type Outcome, type Problem } from "./check.ts";
import type { Answer, Facts, SourceFacts } from "./facts.ts";
import { toProblem } from "./files.ts";

/** Seconds. AWS refuses signatures that are off by more than the second. */
const clockLimits = { warning: 60, error: 300 } as const;

const clock: Check = {
  id: "clock",
  title: "this computer's clock is right",
  why: "AWS refuses requests when it is wrong by 5 minutes, and before that sessions seem to end too early or too late",
  run: (facts) =>
    eachReach(facts, ({ host, answer }) => {
      if (!("value" in answer)) return notKnown(`the time was not asked for: ${host} was not reached`);
      if (answer.value === undefined) return notKnown(`${host} does not say what time it is`);
      const seconds = Math.round(answer.value / 1000);
      const off = Math.abs(seconds);
      if (off < clockLimits.warning) return found([]);
      const level = off < clockLimits.error ? "warning" : "error";
      return found([{ level, message: describeClock(seconds), fix: setClock }]);
    }),
};

const endpoint: Check = {
  id: "endpoint",
  title: "STS can be reached, with your endpoint, proxy and certificates",
  why: "no session can be opened without it",
  run: (facts) =>
    eachReach(facts, ({ host, answer }) => {
      if ("failure" in answer) return found([toProblem(answer.failure)]);
      return "unknown" in answer ? notKnown(`${host} was not reached: ${answer.unknown}`) : found([]);
    }),
};

function eachReach({ answers }: Facts, judge: (reach: SourceFacts["reached"]) => Outcome): Outcome {
  if ("unknown" in answers) return notKnown(answers.unknown);
  // Several profiles lead to the same place.
  return joinOutcomes([...new Set(answers.value.reached)].map(judge));
}

/** Judges each source profile; those that were not asked about are not known. */
function eachSource(facts: Facts, judge: (source: SourceFacts) => Outcome): Outcome {
  const { answers } = facts;
  if ("unknown" in answers) return notKnown(answers.unknown);
  const { sources, notAsked } = answers.value;
  const left =
    notAsked.length === 0
      ? []
      : [notKnown(`AWS was not asked about ${notAsked.length} of the profiles, from ${quote(notAsked[0] ?? "")} on`)];
  // A profile that cannot be read may have an access key.
  const readable = lookAtProfiles(facts, (profile, files) => {
    classifyOwnKeys(files, profile);
    return [];
  });
  return joinOutcomes([...sources.map(judge), ...left, ...judgeNone(facts), readable]);
}

/** Without an access key there is nothing to judge; profiles that cannot be read may have one. */
function judgeNone({ answers, files, profiles }: Facts): readonly Outcome[] {
  const isNone = "value" in answers && answers.value.sources.length === 0 && "value" in files;
  if (!isNone || profiles.some((name) => !isReadable(name, files.value))) return [];
  const none = "no profile has an access key";
  // Who signs in in another way needs none.
  if (profiles.length === 0) return [notKnown(`${none}: fob setup`)];
  return [found([{ level: "note", message: none, fix: "if you have one: fob setup" }])];
}

function isReadable(profile: string, files: AwsFiles): boolean {
  const read = (): boolean => {
    classifyOwnKeys(files, profile);
    return true;
  };
  return readableProfiles([profile], read).length > 0;
}

/** Judges an answer; what is not known says of which profile. */
function judgeAnswer<T>(profile: string, answer: Answer<T>, judge: (value: T) => readonly Problem[]): Outcome {
  if ("value" in answer) return found(judge(answer.value));
  return notKnown(`${quote(profile)}: ${"unknown" in answer ? answer.unknown : answer.failure.message}`);
}

const settings: Check = {
  id: "settings",
  title: "the settings of your profiles can be used",
  why: "fob login stops before it asks for a code",
  run: (facts) =>
    eachSource(facts, ({ profile, settings: wrong, fido }) =>
      wrong === undefined || fido !== undefined ? found([]) : found([{ ...toProblem(wrong), subject: profile }]),
    ),
};

const accessKey: Check = {
  id: "access-key",
  title: "AWS knows your access keys, and no root user has one",
  why: "no session can be opened with a key that AWS does not know, and policies cannot limit the root user",
  run: (facts) =>
    eachSource(facts, ({ profile: subject, identity }) => {
      if ("failure" in identity) return found([{ ...toProblem(identity.failure), subject }]);
      return judgeAnswer(subject, identity, ({ arn }) =>
        arn !== undefined && isRoot(arn)
          ? [
              {
                ...{ level: "error", subject, message: "has an access key of the root user" },
                fix: "create an IAM user for daily work, and delete the root user's access key",
              },
            ]
          : [],
      );
    }),
};

/** Days. AWS advises to change access keys that are older. */
const oldDays = 90;

const keyAge: Check = {
  id: "key-age",
  title: `no access key is older than ${oldDays} days`,
  why: "the longer a key is in use, the more copies of it there are",
  run: (facts) =>
    eachSource(facts, ({ profile: subject, accessKeyId, keys, mayNotListKeys }) => {
      if (mayNotListKeys) {
        const message = "AWS does not let you list your access keys, so their age is unknown";
        const fix = "ask an administrator for what this prints: fob policy show --self-manage --with-access-keys";
        return found([{ level: "note", subject, message, fix }]);
      }
      if (!("value" in keys)) return judgeAnswer(subject, keys, () => []);
      const created = keys.value.find(({ id }) => id === accessKeyId)?.created;
      if (created === undefined) return notKnown(`${quote(subject)}: AWS does not list its access key`);
      const days = Math.floor((facts.now - created) / 86_400_000);
      if (days <= oldDays) return found([]);
      const message = `the access key ${maskKeyId(accessKeyId ?? "")} is ${days} days old`;
      return found([{ level: "warning", subject, message, fix: rotate(subject, isInKeychain(subject, facts)) }]);
    }),
};

const isInKeychain = (profile: string, { files }: Facts): boolean =>
  "value" in files && findKeychainId(files.value, profile) !== undefined;

/** fob rotates keys in the keychain. */
function rotate(profile: string, isThere: boolean): string {
  const name = quoteProfileArgument(profile);
  return `${isThere ? "" : `fob keys import ${name}; then: `}fob keys rotate ${name}`;
}

const device: Check = {
  id: "device",
  title: "your MFA devices are of a kind that STS can use",
  why: "a login needs a device whose codes STS takes: no passkey or security key, and no device of another user",
  run: (facts) =>
    eachSource(facts, (source) => {
      const { profile, fido, devices } = source;
      if (fido !== undefined)
        return found([toFidoProblem(profile, `the device ${quote(fido)}, which the profile names,`)]);
      return judgeAnswer(profile, devices, (listed) => judgeDevices(source, listed));
    }),
};

function judgeDevices(
  { profile: subject, device: configured }: SourceFacts,
  listed: readonly Device[],
): readonly Problem[] {
  const usable = listed.filter(({ kind }) => kind === "arn" || kind === "hardware");
  const [first] = listed;
  if (first === undefined) {
    const fix = `fob device enroll ${quoteProfileArgument(subject)}`;
    return [{ level: "error", subject, message: "the user has no MFA device", fix }];
  }
  if (usable.length === 0) return [toFidoProblem(subject, `the only MFA device, ${quote(first.serialNumber)},`)];
  const isListed = ({ serialNumber }: Device): boolean => listed.some((each) => each.serialNumber === serialNumber);
  if (configured === undefined || configured.kind === "name" || isListed(configured)) return [];
  const message = `the profile names the device ${quote(configured.serialNumber)}, but the user has ${usable.map(({ serialNumber }) => quote(serialNumber)).join(", ")}`;
  const option = formatOption("--serial", usable[0]?.serialNumber ?? "");
  const fix = `fob login ${quoteProfileArgument(subject)} ${option} --force`;
  return [{ level: "error", subject, message, fix }];
}

function toFidoProblem(subject: string, what: string): Problem {
  return { ...toProblem(createFidoError(subject, what)), subject };
}

export const accountChecks: readonly Check[] = [endpoint, clock, settings, accessKey, keyAge, device];
