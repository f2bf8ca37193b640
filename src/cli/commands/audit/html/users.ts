// The table of users, and the chart of their devices.
import type { AuditedPeople, AuditedUser, EnforcementState } from "../../../../audit/people.ts";
import { html, type Markup } from "../../../../html.ts";
import type { DeviceKind, Known } from "../../../../iam/snapshot.ts";
import { type Bar, drawBars } from "./charts.ts";
import type { Place } from "./place.ts";

/** What the numbers sort by where something is not known or not there. */
const before = -1;
const last = 1_000_000;

const states: Readonly<Record<EnforcementState, { readonly text: string; readonly tone: string }>> = {
  open: { text: "open", tone: "fail" },
  unknown: { text: "unknown", tone: "unknown" },
  enforced: { text: "enforced", tone: "pass" },
  exempt: { text: "exempt", tone: "quiet" },
  "no credentials": { text: "nothing to sign in with", tone: "quiet" },
};

interface Column {
  readonly heading: string;
  readonly write: (user: AuditedUser) => Markup;
}

const listColumns = (group: string): readonly Column[] => [
  { heading: "User", write: writeName },
  { heading: "MFA enforced", write: writeEnforcement },
  { heading: "Password", write: ({ password }) => writeCell(password, describePassword, sortPassword) },
  { heading: "Access keys", write: ({ accessKeys }) => writeCell(accessKeys, describeKeys, sortKeys) },
  { heading: "MFA devices", write: ({ devices }) => writeCell(devices, describeDevices, sumOf) },
  { heading: `In ${group}`, write: ({ isMember }) => html`<td>${isMember ? "yes" : "no"}</td>` },
  { heading: "Groups", write: ({ groups }) => html`<td>${groups.length === 0 ? "none" : groups.join(", ")}</td>` },
];

/** All users: without the script too, which sorts and searches them. */
export function writeUsers({ users, group }: AuditedPeople, { prefix, level }: Place): Markup {
  const columns = listColumns(group);
  return html`<section id="${prefix}users" class="people" aria-labelledby="${prefix}users-heading">
<h${level} id="${prefix}users-heading">Users</h${level}>
<p class="quiet">Enforced means that AWS denies what the user asks for without MFA, by the identity-based policies and the permissions boundary of the user.</p>
<div class="search" hidden><label for="${prefix}search">Search users</label><input id="${prefix}search" type="search" autocomplete="off" spellcheck="false"><p role="status"></p></div>
<div class="scroll" role="region" aria-labelledby="${prefix}users-heading" tabindex="0"><table class="users" aria-labelledby="${prefix}users-heading">
<thead><tr>${columns.map(({ heading }) => html`<th scope="col">${heading}</th>`)}</tr></thead>
<tbody>
${users.map((user) => html`<tr>${columns.map(({ write }) => write(user))}</tr>\n`)}</tbody></table></div>
</section>
`;
}

const writeName = ({ name, path }: AuditedUser): Markup =>
  html`<th scope="row">${name}${path === "/" ? "" : html` <small>path ${path}</small>`}</th>`;

function writeEnforcement({ enforcement: { state, why } }: AuditedUser): Markup {
  const { text, tone } = states[state];
  return html`<td><b class="${tone}">${text}</b>${why === "" ? "" : html` <small>${why}</small>`}</td>`;
}

function writeCell<T>(known: Known<T>, describe: (value: T) => string, sort: (value: T) => number): Markup {
  if ("value" in known) return html`<td data-sort="${sort(known.value)}">${describe(known.value)}</td>`;
  return html`<td data-sort="${last}"><b class="unknown">unknown</b> <small>${known.unknown}</small></td>`;
}

type ValueOf<K> = Extract<K, { readonly value: unknown }>["value"];
type Password = ValueOf<AuditedUser["password"]>;
type Keys = ValueOf<AuditedUser["accessKeys"]>;
type Devices = ValueOf<AuditedUser["devices"]>;

function describePassword(password: Password): string {
  if (password === null) return "none";
  const { unusedDays, mustChange } = password;
  const used = !("value" in unusedDays)
    ? `use unknown: ${unusedDays.unknown}`
    : unusedDays.value === null
      ? "never used"
      : unusedDays.value === 0
        ? "used today"
        : `used ${describeDays(unusedDays.value)} ago`;
  if (!("value" in mustChange)) return `${used}; whether it must be changed is unknown`;
  return mustChange.value ? `${used}; must be changed` : used;
}

function sortPassword(password: Password): number {
  if (password === null) return before;
  return "value" in password.unusedDays ? (password.unusedDays.value ?? last - 1) : last;
}

const describeKeys = (keys: Keys): string =>
  keys.length === 0
    ? "none"
    : keys
        .map(
          ({ active, ageDays }) =>
            `${active ? "active" : "inactive"}, ${ageDays === null ? "age unknown" : `${describeDays(ageDays)} old`}`,
        )
        .join("; ");

/** By the oldest active key; inactive keys come before. */
const sortKeys = (keys: Keys): number =>
  Math.max(before, ...keys.map(({ active, ageDays }) => (active ? (ageDays ?? last) : before + 0.5)));

const describeDays = (days: number): string => (days === 1 ? "1 day" : `${days} days`);

const describeDevices = (devices: Devices): string =>
  devices.size === 0
    ? "none"
    : [...devices].map(([kind, count]) => `${count} ${kind === "unknown" ? "of unknown kind" : kind}`).join(", ");

const sumOf = (devices: Devices): number => [...devices.values()].reduce((sum, count) => sum + count, 0);

const deviceBars = ["no device", "virtual", "hardware", "security key", "several kinds", "unknown"] as const;
type DeviceBar = (typeof deviceBars)[number];

/** Of the users who can sign in, or of whom that is not known. */
export function drawDevices(users: readonly AuditedUser[]): Markup {
  const counted = users.filter(({ hasCredentials }) => !("value" in hasCredentials) || hasCredentials.value);
  const counts = new Map<DeviceBar, number>();
  for (const { devices } of counted) {
    const bar = "value" in devices ? chooseBar([...devices.value.keys()]) : "unknown";
    counts.set(bar, (counts.get(bar) ?? 0) + 1);
  }
  const toneOf = (bar: DeviceBar) => (bar === "no device" ? "fail" : bar === "unknown" ? "unknown" : "neutral");
  const bars = deviceBars.map(
    (label): Bar => ({ label, parts: [{ name: "users", count: counts.get(label) ?? 0, tone: toneOf(label) }] }),
  );
  const caption = `MFA devices of users who can sign in: ${counted.length}`;
  return drawBars(caption, bars, ({ parts }) => parts.map(({ count }) => count).join());
}

function chooseBar(kinds: readonly DeviceKind[]): DeviceBar {
  const [kind, ...more] = kinds;
  if (kind === undefined) return "no device";
  return more.length > 0 ? "several kinds" : kind;
}
