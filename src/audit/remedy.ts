// The next commands of what the checks have found, as they can be run: with the name of the user, and as whom to ask.
import { listSignInRegions } from "../aws/partitions.ts";
import { formatOption, quoteShellWord } from "../text.ts";
import type { CheckResult } from "./audit.ts";
import type { Subject } from "./check.ts";

export interface Addressee {
  /** The profile that has the account's credentials; undefined for none, and for the default one. */
  readonly profile: string | undefined;
  /** The group, if it is not the usual one. */
  readonly group: string | undefined;
}

/** A remedy for any user becomes one for each: `--user-name USER` has the user's name. */
export function addressRemedies(check: CheckResult, addressee: Addressee): CheckResult {
  const { remedy } = check;
  const address = (subject: Subject): Subject => {
    const { remedy: own = remedy, ...rest } = subject;
    const named = /:user\//.test(subject.arn)
      ? own.replace(/(--user(?:-name)?|--virtual-mfa-device-name) USER\b/g, (_, flag: string) =>
          formatOption(flag, subject.name),
        )
      : own;
    return named === remedy ? rest : { ...rest, remedy: addressCommands(named, addressee) };
  };
  const { subjects, unknownSubjects } = check;
  return {
    ...{ ...check, remedy: addressCommands(remedy, addressee), subjects: subjects.map(address) },
    ...(unknownSubjects === undefined ? {} : { unknownSubjects: unknownSubjects.map(address) }),
  };
}

/** Without the profile, a command would change the account of another one. */
function addressCommands(remedy: string, { profile, group }: Addressee): string {
  const as = profile === undefined ? "" : ` ${formatOption("--profile", profile)}`;
  const of = group === undefined ? "" : ` ${formatOption("--group", group)}`;
  return remedy
    .replace(/\baws (?:iam|cloudtrail|configservice) [a-z-]+/g, (command) => `${command}${as}`)
    .replace(/\bfob rollout [a-z-]+/g, (command) => `${command}${as}${of}`)
    .replace(/\bfob policy simulate/g, (command) => `${command}${as}`);
}

/** The command that lists a user's events where AWS records most sign-ins. */
export function formatLookUp(user: string, partition: string): string {
  const [region] = listSignInRegions(partition);
  const where = region === undefined ? "" : ` --region ${region}`;
  const attribute = quoteShellWord(`AttributeKey=Username,AttributeValue=${user}`);
  return `aws cloudtrail lookup-events${where} --lookup-attributes ${attribute}`;
}
