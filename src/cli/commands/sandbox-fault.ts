// `fob sandbox fault`: makes calls in the sandbox slow, fail or stale.
import { formatDuration } from "../../duration.ts";
import { exitCodes, UsageError } from "../../errors.ts";
import { findAuthenticator } from "../../sandbox/authenticator.ts";
import type { Fault, FaultKind } from "../../sandbox/faults.ts";
import { formatFlag, formatJson } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand } from "../command.ts";
import { readMilliseconds } from "../milliseconds.ts";

const kinds = {
  delay: "delay",
  throttle: "throttle",
  error: "error",
  drop: "drop",
  dropAnswer: "drop-answer",
  stale: "stale",
} as const satisfies Readonly<Record<string, FaultKind>>;

export const sandboxFaultCommand = defineCommand({
  name: "sandbox fault",
  description:
    "Makes calls in the sandbox of this environment (FOB_SANDBOX), or else in the only one that is running, slow, fail or " +
    "stale, to see what fob and your scripts do then. Prints the faults that are on.",
  takes: { name: "operation", atMost: 100, text: "e.g. iam:ListUsers, ListUsers, 'iam:List*' (default: *, all)" },
  options: {
    delay: { value: "length", text: "answer after this time, e.g. 2s or 500ms" },
    throttle: { text: "answer that there were too many requests" },
    error: { text: "answer with an internal error of AWS (HTTP status 500)" },
    drop: { text: "close the connection, with nothing done" },
    dropAnswer: { text: "do what is asked, and close the connection without an answer" },
    stale: { value: "length", text: "answer List and Get calls of IAM as of so long ago, e.g. 5s" },
    times: { value: "number", text: "only for so many requests" },
    for: { value: "length", text: "only for this long, e.g. 1m" },
    clear: { text: "switch all faults off" },
    json: { text: "print a list of {operation, kind, ms, times, untilMs}" },
  },
  examples: [
    "fob sandbox fault GetSessionToken --throttle --times 2",
    "fob sandbox fault 'iam:List*' --stale 5s",
    "fob sandbox fault --delay 2s --for 1m",
    "fob sandbox fault --clear",
  ],
  async run(operations, options, { env, now, signal, stdout, typed }) {
    const { completeOperation, switchFaults } = await import("../../sandbox/switch-faults.ts");
    const chosen = (Object.keys(kinds) as (keyof typeof kinds)[]).filter((name) => options[name]);
    const hasLimit = options.times !== undefined || options.for !== undefined;
    if (options.clear && (chosen.length > 0 || operations.length > 0 || hasLimit)) {
      throw new UsageError("--clear switches all faults off, so it takes nothing else", "fob sandbox fault --clear");
    }
    if (chosen.length === 0 && (operations.length > 0 || hasLimit)) {
      throw new UsageError(
        "say what is to happen to the calls",
        `add one of: ${Object.keys(kinds).map(formatFlag).join(", ")}`,
      );
    }
    const limits = {
      times: options.times === undefined ? undefined : readCount(options.times),
      untilMs: options.for === undefined ? undefined : now() + readMilliseconds("--for", options.for),
    };
    const add = (operations.length === 0 ? ["*"] : operations.map(completeOperation)).flatMap((operation) =>
      chosen.map((name): Fault => {
        const length = options[name];
        const ms = typeof length === "string" ? readMilliseconds(formatFlag(name), length) : undefined;
        return { operation, kind: kinds[name], ms, ...limits };
      }),
    );
    const sandbox = findAuthenticator(env, formatCommand(typed));
    const change = options.clear ? "clear" : add.length > 0 ? { add } : "show";
    const faults = await switchFaults(sandbox, change, signal);
    stdout.write(options.json ? formatJson(faults) : faults.map((fault) => `${formatFault(fault, now())}\n`).join(""));
    return exitCodes.done;
  },
});

function readCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`invalid --times ${JSON.stringify(text)}`, "for example: --times 2");
}

/** `iam:ListUsers  throttle, 2 more times` */
function formatFault({ operation, kind, ms, times, untilMs }: Fault, now: number): string {
  const parts = [
    ms === undefined ? kind : `${kind} ${ms % 1000 === 0 ? formatDuration(ms / 1000) : `${ms} ms`}`,
    ...(times === undefined ? [] : [`${times} more ${times === 1 ? "time" : "times"}`]),
    ...(untilMs === undefined ? [] : [`for ${formatDuration(Math.ceil((untilMs - now) / 1000))}`]),
  ];
  return `${operation}  ${parts.join(", ")}`;
}
