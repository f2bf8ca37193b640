// `fob status`: the sessions, as a table or JSON, and whether they last.
import { exitCodes } from "../errors.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { awsFilePaths } from "../profiles/paths.ts";
import { expirationText } from "../session/session.ts";
import { type StatusEntry, statusOf } from "../session/status.ts";
import { openStore } from "../session/store.ts";
import { storeFolder } from "../session/store-paths.ts";
import { quote, shellWord } from "../text.ts";
import { defineCommand } from "./command.ts";
import { defaultProfile, minTtlOf } from "./options.ts";
import { render } from "./session-table.ts";

export const statusCommand = defineCommand({
  name: "status",
  description: "Shows the sessions that fob made and those that other tools left, and how long they last.",
  takes: {
    name: "profile",
    atMost: Number.POSITIVE_INFINITY,
    text: "source or session profiles (default: every session)",
  },
  options: {
    check: { text: "exit with 3 when a session is not fresh (default profile: AWS_PROFILE, else default)" },
    minTtl: { value: "length", text: "how much must remain of a fresh session (default: 15m)" },
    json: { text: "print JSON" },
  },
  examples: ["fob status", "fob status work --json", "fob status --check --min-ttl 30m work || fob login work"],
  run(profiles, options, context) {
    const { env, home, say, stdout } = context;
    const paths = awsFilePaths(env, home);
    const asked = options.check && profiles.length === 0 ? [defaultProfile(context)] : profiles;
    const now = context.now();
    const entries = statusOf(asked, {
      files: readAwsFiles(paths),
      store: openStore(storeFolder(env, paths.credentials)),
      now,
      minTtl: minTtlOf(options.minTtl),
    });
    if (options.json) stdout.write(`${JSON.stringify(entries.map(toJson), undefined, 2)}\n`);
    else if (entries.length > 0) stdout.write(render(entries, now, context));
    else {
      say.note("there are no sessions yet");
      say.hint("fob login");
    }
    // A session that its profile has lost is of no use to programs.
    const isLost = ({ writtenTo }: StatusEntry): boolean => !writtenTo.some(({ isThere }) => isThere);
    const stale = entries.filter((entry) => entry.state !== "valid" || isLost(entry));
    if (!options.check || stale.length === 0) return Promise.resolve(exitCodes.done);
    for (const { profile, source, state } of stale) {
      say.error(`the session ${quote(profile)} is ${state === "valid" ? "no longer in its profile" : state}`);
      say.hint(`fob login ${shellWord(source ?? profile)}`);
    }
    return Promise.resolve(exitCodes.notFresh);
  },
});

function toJson({ issued, expiration, ...entry }: StatusEntry) {
  const time = (at: number | undefined): string | undefined => (at === undefined ? undefined : expirationText(at));
  return { ...entry, issued: time(issued), expiration: time(expiration) };
}
