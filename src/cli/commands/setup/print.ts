// `fob setup --print-only`: shows the commands and the files, by what is on this computer. It asks neither the user nor AWS.
import { exitCodes, UsageError } from "../../../errors.ts";
import { getProperty } from "../../../profiles/files.ts";
import { classifyOwnKeys, classifyProcess, findKeychainId } from "../../../profiles/inspect.ts";
import { isResolvable, listLoginSources } from "../../../session/candidates.ts";
import { getSessionProfileName, resolveProfilePair } from "../../../session/profile-pair.ts";
import type { Snapshot } from "../../../session/snapshot.ts";
import { getIncluded, planLink, planRoles } from "../../../setup/adopt.ts";
import { planSettings, planTeamRoles } from "../../../setup/profiles.ts";
import { type Findings, formatScript } from "../../../setup/script.ts";
import { hasShellLine } from "../../../setup/shell-line.ts";
import type { Team } from "../../../setup/team-file.ts";
import { quote } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import type { Context } from "../../context.ts";
import { isForeign } from "./session.ts";
import { findShellLine } from "./shell.ts";

interface Given {
  readonly named: string | undefined;
  readonly region: string | undefined;
  readonly keyFile: string | undefined;
  readonly team: Team | undefined;
  readonly snapshot: Snapshot;
}

/** @throws FobError, UsageError */
export async function printSetup(given: Given, context: Context): Promise<number> {
  const { snapshot, team } = given;
  const { files } = snapshot;
  const named = chooseNamed(given, context);
  const pair = isResolvable(named, snapshot)
    ? resolveProfilePair(named, snapshot, context.typed)
    : { source: named, session: getSessionProfileName(named) };
  const { source } = pair;
  const session = team?.session ?? pair.session;
  const included = getProperty(files, source, "region") ?? getIncluded(files, source, "region");
  const region = given.region ?? team?.region ?? included;
  const teamRoles = planTeamRoles({ source, session }, team?.roles ?? [], files);
  const ofTeam = new Set(team?.roles.map(({ profile }) => profile));
  const line = await findShellLine(context);
  context.stdout.write(
    formatScript({
      ...{ keyFile: given.keyFile, isForeign: isForeign(session, { snapshot }) },
      ...{ source, session, key: findKey(source, snapshot), hasRegion: region !== undefined, account: team?.account },
      edits: [
        ...planSettings(source, { region, fob_duration: team?.duration }, files),
        ...planLink({ source, session }, session === getSessionProfileName(source), files),
        ...teamRoles,
        ...planRoles({ source, session }, files).filter(({ profile }) => !ofTeam.has(profile)),
      ],
      installs: team?.mode && team.mode === "process",
      shell: line && { line, isThere: hasShellLine(line) },
      paths: { credentials: files.credentials.path, config: files.config.path },
    }),
  );
  return exitCodes.done;
}

/** @throws UsageError where there are several */
function chooseNamed({ named, team, snapshot }: Given, { typed }: Context): string {
  const given = named ?? team?.profile;
  if (given !== undefined) return given;
  const sources = listLoginSources(snapshot.files);
  const [first = "work", ...others] = sources;
  if (others.length === 0) return first;
  throw new UsageError(
    `choose one of ${sources.length} profiles: ${sources.slice(0, 8).map(quote).join(", ")}`,
    formatCommand(typed, { profile: first }),
  );
}

function findKey(source: string, { files }: Snapshot): Findings["key"] {
  if (classifyOwnKeys(files, source) === "long-term") {
    return findKeychainId(files, source) !== undefined && !hasStaticKey(source, files) ? "keychain" : "plaintext";
  }
  return classifyProcess(files, source) === "foreign" ? "process" : "none";
}

const hasStaticKey = (source: string, files: Snapshot["files"]): boolean =>
  getProperty(files, source, "aws_access_key_id") !== undefined;
