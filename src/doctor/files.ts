// Checks of the files themselves: who can read them, and which programs.
import { FobError } from "../errors.ts";
import { adviseOnObstacle, formatEditor } from "../profiles/advice.ts";
import type { AwsFile } from "../profiles/files.ts";
import { quote, quoteShellWord } from "../text.ts";
import { type Check, found, joinOutcomes, notKnown, type Outcome, type Problem } from "./check.ts";
import type { Facts, Place } from "./facts.ts";

const modes: Check = {
  id: "file-access",
  title: "only you can read your credentials and change your settings",
  why: "other users of this computer could take your credentials, or have a command of theirs run as yours",
  run({ platform, user, places, hidden }) {
    if (platform === "win32" || user === undefined) {
      return notKnown("on Windows the mode of a file does not say who can read it");
    }
    return { problems: places.flatMap((place) => judgePlace(place, user)), unknown: hidden };
  },
};

function judgePlace(place: Place, user: number): readonly Problem[] {
  const { path, what, mode, uid, isFolder, isSecret, writers } = place;
  const name = `${what} ${quote(path)}`;
  const open = mode.toString(8);
  if (uid !== user) {
    const fix = `if it is yours: sudo chown "$(id -u)" ${quoteShellWord(path)}`;
    return [{ level: "error", message: `${name} belongs to another user (uid ${uid})`, fix }];
  }
  if (isSecret && (mode & 0o077) !== 0) {
    const wanted = isFolder ? 0o700 : 0o600;
    return [
      {
        level: "error",
        message: `others may use ${name} (mode ${open})`,
        fix: `chmod ${wanted.toString(8)} ${quoteShellWord(path)}`,
        repair: { kind: "mode", path, mode: wanted },
      },
    ];
  }
  if (writers === undefined) return [];
  // Where others can write to the file itself, what it is to others' eyes stays as it is.
  const isOwn = (mode & 0o022) !== 0;
  return [
    {
      level: "error",
      message: `${name} ${writers}`,
      fix: isOwn ? `chmod go-w ${quoteShellWord(path)}` : `check who can write there: ls -la ${quoteShellWord(path)}`,
      ...(isOwn ? { repair: { kind: "mode", path, mode: mode & ~0o022 } as const } : {}),
    },
  ];
}

/** A check of each of the two files; one that cannot be read at all is not known, and `readable-files` says why. */
const eachFile = ({ each }: Facts, look: (file: AwsFile) => Outcome): Outcome =>
  joinOutcomes(
    [each.credentials, each.config].map((file) => (file instanceof FobError ? notKnown(file.message) : look(file))),
  );

const duplicates: Check = {
  id: "duplicate-section",
  title: "no profile is in a file twice",
  why: "aws and boto3 do not read such a file, and the SDKs read different ones of the two",
  run: (facts) => eachFile(facts, (file) => found(listDuplicates(file))),
};

function listDuplicates(file: AwsFile): readonly Problem[] {
  const names = file.profiles();
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  const ofProfiles = [...twice].map((subject): Problem => {
    const lines = file.headerLines(subject);
    return {
      ...{ level: "error", subject, file: file.path, ...atLine(lines.at(-1) ?? 1) },
      message: `is there more than once, on lines ${lines.join(" and ")}`,
      fix: `merge the sections: ${formatEditor(file.path, lines.at(-1) ?? 1)}`,
    };
  });
  const obstacle = file.obstacle([]);
  if (ofProfiles.length > 0 || !obstacle?.isRepeatedSection) return ofProfiles;
  return [{ level: "error", file: file.path, ...atLine(obstacle.line), ...adviseOnObstacle(file.path, obstacle) }];
}

const readable: Check = {
  id: "readable-files",
  title: "all programs can read the AWS files",
  why: "programs that cannot read a file find no profile in it, or another one than fob does",
  run: ({ each }) =>
    joinOutcomes(
      [each.credentials, each.config].map((file) =>
        file instanceof FobError ? found([toProblem(file)]) : lookForObstacle(file),
      ),
    ),
};

/** An error of fob's as a problem. */
export function toProblem({ message, hints }: FobError): Problem {
  return { level: "error", message, fix: hints.join("; ") || "try again" };
}

function lookForObstacle(file: AwsFile): Outcome {
  const names = file.profiles();
  const single = names.filter((name) => names.indexOf(name) === names.lastIndexOf(name));
  const obstacle = file.obstacle(single);
  if (!obstacle) return found([]);
  if (obstacle.isRepeatedSection) {
    return notKnown(`lines of ${quote(file.path)} were not compared, because a section is there twice`);
  }
  const place = { file: file.path, ...atLine(obstacle.line) };
  return found([{ level: "error", ...place, ...adviseOnObstacle(file.path, obstacle) }]);
}

/** A place in a file, of which only the line is known. */
export const atLine = (line: number) => ({ line, column: 1, endColumn: 1 });

export const fileChecks: readonly Check[] = [modes, readable, duplicates];
