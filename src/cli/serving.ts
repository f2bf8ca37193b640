// Answering a program through credential_process: for how long, and for whom.
import { readFileSync } from "node:fs";
import { credentialsOf } from "../roles/credentials.ts";
import { processJson } from "../session/session.ts";
import { shellWord } from "../text.ts";
import type { Context } from "./context.ts";
import { loginTools } from "./login-tools.ts";

/** The Go SDK kills the process after a minute; milliseconds from its start. */
const PATIENCE = 55_000;

export interface ServingOptions {
  readonly noInput?: boolean | undefined;
  readonly endpointUrl?: string | undefined;
  readonly region?: string | undefined;
}

/** @returns the JSON for the program @throws FobError */
export async function serveProfile(profile: string, options: ServingOptions, context: Context): Promise<string> {
  const tools = loginTools(context, options, `fob login ${shellWord(profile)}`);
  const abandoned = new AbortController();
  const callers = callersNow();
  // A question on the terminal must not outlive the program that wanted the answer.
  const watching = setInterval(() => {
    if (callersNow() !== callers) abandoned.abort();
  }, 500);
  const patience = Math.max(1, Math.round(PATIENCE - performance.now()));
  try {
    const { endpointUrl, region } = options;
    const session = await credentialsOf(
      { profile, endpointUrl, region },
      {
        ...tools,
        signal: AbortSignal.any([tools.signal, abandoned.signal]),
        program: { deadline: AbortSignal.timeout(patience), patience },
      },
    );
    return processJson(session);
  } finally {
    clearInterval(watching);
  }
}

/** The process that started this one, and where that is a shell, the one that started the shell. */
function callersNow(): string {
  const parent = process.ppid;
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, "utf8");
    const isShell = /^\d+ \((?:ba|da|k|z|busybox )?sh\)/.test(stat);
    return isShell ? `${parent} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? ""}` : String(parent);
  } catch {
    return String(parent);
  }
}
