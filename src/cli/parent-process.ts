// Answering a program through credential_process: for how long, and for whom.
import { isatty } from "node:tty";
import { CancelledError, FobError } from "../errors.ts";
import { readProcess } from "../process.ts";
import { getCredentials } from "../roles/credentials.ts";
import { type SessionContext, showNothing } from "../session/context.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import { processJson } from "../store/session.ts";
import { notify } from "../terminal/notify.ts";
import { quote } from "../text.ts";
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
  const quiet = { note: context.say.debug, showWhile: showNothing };
  const sessions = { ...createSessionContext(context, options), ...quiet, program: readCallerName() };
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
    const request = {
      profile,
      endpointUrl,
      region,
      program: { deadline: AbortSignal.timeout(patience), patience },
    };
    const signal = AbortSignal.any([sessions.signal, abandoned.signal]);
    const session = await getCredentials(request, takeSnapshot(sessions), { ...sessions, signal });
    return processJson(session);
  } catch (error) {
    if (error instanceof FobError && !(error instanceof CancelledError)) showError(error, profile, sessions, context);
    throw error;
  } finally {
    clearInterval(watching);
  }
}

/** Milliseconds for which nothing more is shown of a profile: programs run a failing process twice. */
const QUIET_FOR = 10_000;

/**
 * Shows an error on the desktop, where there is one: the SDK for JavaScript says no more than "Could not load credentials
 * from any providers".
 */
function showError(error: FobError, profile: string, { store, now }: SessionContext, { env, say }: Context): void {
  const { platform } = process;
  const isDesktop = platform === "darwin" || platform === "win32" || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
  // On a terminal of its own it is read there.
  if (!isDesktop || env.CI || env.SSH_CONNECTION || isatty(2) || !store.mayNotify(profile, now(), QUIET_FOR)) return;
  const [hint] = error.hints;
  const text = `${quote(profile)}: ${error.message}${hint === undefined ? "" : `; ${hint}`}`;
  notify(text, { env, platform, debug: say.debug });
}

/** The process that started this one, and where that is a shell, the one that started the shell. */
function callersNow(): string {
  const { name, parent } = readProcess(process.ppid) ?? {};
  return isShell(name) ? `${process.ppid} ${parent}` : String(process.ppid);
}

/** The name of the program that waits for the answer, past the shell that it started fob with. */
function readCallerName(): string | undefined {
  const parent = readProcess(process.ppid);
  return isShell(parent?.name) && parent ? readProcess(parent.parent)?.name : parent?.name;
}

const isShell = (name = ""): boolean => /^(?:ba|da|k|z|busybox )?sh$/.test(name);

/** Whether the process that started this one had gone before this one looked: then it has been given to the system's own. */
function isOrphan(): boolean {
  const parent = readProcess(process.ppid);
  const isOfSystem = process.ppid === 1 || parent?.name === "systemd";
  // A container's first process may be the program that waits; this one is in its session then.
  return isOfSystem && parent !== undefined && parent.session !== readProcess(process.pid)?.session;
}
