// Formats the proof of `fob policy simulate` as a table.
import { styleText } from "node:util";
import type { Cell, Proof } from "../../../policy/proof.ts";
import type { Verdict } from "../../../policy/verdicts.ts";
import { formatTable } from "../../../terminal/table.ts";
import type { Output } from "../../output.ts";

const words = { allowed: "allowed", explicitDeny: "denied", implicitDeny: "none", unknown: "unknown" } as const;
const colors = { allowed: "green", explicitDeny: "red", implicitDeny: "yellow", unknown: "yellow" } as const;

const marks = {
  good: { mark: "+", color: "green" },
  bad: { mark: "!", color: "red" },
  note: { mark: "-", color: "yellow" },
} as const;

const outside = "bound";
const refused = "refused";

/** Returns the table, its legend and the verdicts. */
export function formatProof(
  { rows, authMethods: ways, user, isExample }: Proof,
  verdicts: readonly Verdict[],
  { hasColors }: Output,
): string {
  const colored = (color: "green" | "red" | "yellow", text: string): string =>
    hasColors ? styleText(color, text, { validateStream: false }) : text;
  const cellText = ({ evaluation: { decision, isOutsideBoundary }, awsDenial }: Cell): string => {
    if (awsDenial !== undefined && decision === "allowed") return colored("red", refused);
    return colored(colors[decision], isOutsideBoundary ? outside : words[decision]);
  };
  const table = formatTable(
    ["", ...ways.map(({ name }) => name)],
    rows.flatMap(({ purpose, action, cells }, index) => [
      ...(rows[index - 1]?.purpose === purpose ? [] : [[purpose]]),
      [`  ${action}`, ...cells.map(cellText)],
    ]),
  );
  const width = Math.max(...ways.map(({ name }) => name.length));
  const awsDenials = new Set(rows.flatMap(({ cells }) => cells.flatMap(({ awsDenial }) => awsDenial ?? [])));
  const legend = [
    ...ways.map(({ name, text }) => `${name.padEnd(width)}  ${text}`),
    `${"denied".padEnd(width)}  a policy denies it, even if another policy allows it`,
    `${"none".padEnd(width)}  none of these policies allows it; another policy may`,
    ...(rows.some(({ cells }) => cells.some(({ evaluation }) => evaluation.isOutsideBoundary))
      ? [`${outside.padEnd(width)}  the permissions boundary does not allow it, even if a policy does`]
      : []),
    ...[...awsDenials].map(
      (reason) => `${refused.padEnd(width)}  AWS refuses it, even if a policy allows it: ${reason}`,
    ),
  ];
  const lines = verdicts.map(({ kind, text }) => `${colored(marks[kind].color, marks[kind].mark)} ${text}`);
  const about = `for ${user}${isExample ? ", an example; --user ARN for another" : ""}:`;
  return `${table}\n${legend.join("\n")}\n\n${about}\n${lines.join("\n")}\n`;
}
