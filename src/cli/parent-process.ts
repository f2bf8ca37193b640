// Answering a program through credential_process: for how long, and for whom.
import { readProcess } from "../process.ts";
import { getCredentials } from "../roles/credentials.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import { processJson } from "../store/session.ts";
import type { Context } from "./context.ts";
import { createSessionContext } from "./session-context.ts";

/** The Go SDK kills the process after a minute, and AWS takes a moment to answer to a code; milliseconds from its start. */
const PATIENCE = 52_000;

export interface ServingOptions {
  readonly noInput?: boolean | undefined;
  readonly endpointUrl?: string | undefined;
  readonly region?: string | undefined;
}

/** @returns the JSON for the program @throws FobError */
export async function serveProfile(profile: string, options: ServingOptions, context: Context): Promise<string> {
  // A note would appear in the middle of the program's output.
  const sessions = { ...createSessionContext(context, options), note: context.say.debug };
  const abandoned = new AbortController();
  const callers = callersNow();
  // A question on the terminal must not outlive the program that wanted the answer.
  if (isOrphan()) abandoned.abort();
  const watching = setInterval(() => {
    if (callersNow() !== callers) abandoned.abort();
  }, 500);
  const patience = Math.max(1, Math.round(PATIENCE - performance.now()));
  try {
    const { endpointUrl, region } = options;
    const command = "fob credential-process";
    const request = {
      profile,
      endpointUrl,
      region,
      command,
      program: { deadline: AbortSignal.timeout(patience), patience },
    };
    const signal = AbortSignal.any([sessions.signal, abandoned.signal]);
    const session = await getCredentials(request, takeSnapshot(sessions), { ...sessions, signal });
    return processJson(session);
  } finally {
    clearInterval(watching);
  }
}

/** The process that started this one, and where that is a shell, the one that started the shell. */
function callersNow(): string {
  const { name, parent } = readProcess(process.ppid) ?? {};
  const isShell = /^(?:ba|da|k|z|busybox )?sh$/.test(name ?? "");
  return isShell ? `${process.ppid} ${parent}` : String(process.ppid);
}

/** Whether the process that started this one had gone before this one looked: then it has been given to the system's own. */
function isOrphan(): boolean {
  const parent = readProcess(process.ppid);
  const isOfSystem = process.ppid === 1 || parent?.name === "systemd";
  // A container's first process may be the program that waits; this one is in its session then.
  return isOfSystem && parent !== undefined && parent.session !== readProcess(process.pid)?.session;
}
