// What follows from a proof: whether the policies enforce MFA, and whether users can still enroll and work.
import { formatDuration } from "../duration.ts";
import { describeAges, guessAges, judgeAge } from "./age-limits.ts";
import { servicesWithoutViaService, viaService } from "./direct-requests.ts";
import { describeOpening, isEnforced, type Opening, tolerable } from "./enforced.ts";
import { joinList } from "./lint/words.ts";
import { createDevice, listDevices, listNeededToEnroll } from "./locked-out.ts";
import { type Cell, isGuarded, type Proof, type ProofRow, type Row } from "./proof.ts";

/** One conclusion from the table. */
export interface Verdict {
  /** "note": neither good nor bad by itself, such as what another policy has to allow. */
  readonly kind: "good" | "bad" | "note";
  readonly text: string;
}

const good = (text: string): Verdict => ({ kind: "good", text });
const bad = (text: string): Verdict => ({ kind: "bad", text });
const note = (text: string): Verdict => ({ kind: "note", text });

export function judgeProof(proof: Proof): readonly Verdict[] {
  const { rows } = proof;
  const enforcement = judgeEnforcement(proof);
  const holds = enforcement.kind === "good";
  const tolerated = holds ? noteTolerated(proof) : [];
  const work = [judgeEveryday(rows), judgeOldSessions(proof)];
  const users = judgeEnrollmentAndPassword(proof, [enforcement, ...work]);
  return [enforcement, ...tolerated, ...users, ...work, ...noteOtherUsers(proof)];
}

/** Whether it is denied whatever other policies allow: no other policy can help. */
const isDenied = ({ evaluation: { decision, isOutsideBoundary } }: Cell): boolean =>
  decision === "explicitDeny" || isOutsideBoundary === true;
const isAllowed = ({ evaluation, awsDenial }: Cell): boolean =>
  evaluation.decision === "allowed" && awsDenial === undefined;
const joinActions = (rows: readonly Row[]): string =>
  joinList(
    rows.map(({ action }) => action),
    rows.length,
  );
const hasCell = (row: ProofRow, name: string, is: (cell: Cell) => boolean): boolean =>
  row.cells.some((cell) => cell.authMethod.name === name && is(cell));

function judgeEnforcement(proof: Proof): Verdict {
  const { rows, openings, spelling } = proof;
  const open = openings.filter((each) => !isEnforced(each));
  const keys = new Set(open.flatMap(({ dependsOn }) => dependsOn));
  if (open.length > 0 && open.every(({ dependsOn, inAnyCase }) => dependsOn.length > 0 && isEnforced(inAnyCase)))
    return bad(`MFA is NOT always enforced: the result ${describeMissingKeys(spell([...keys], spelling))}`);
  if (open.length > 0) return bad(`MFA is NOT enforced${describeOpenings(open, proof)}`);
  if (rows.filter(isGuarded).every((row) => hasCell(row, "MFA", isDenied))) {
    const onlyIf = listKeys(proof, rows.filter(isGuarded), (cell) => cell.authMethod.hasMfa && isDenied(cell));
    const why = onlyIf.length > 0 ? `the result ${describeMissingKeys(onlyIf)}` : "users cannot work";
    const [least] = proof.limits.slice(-1);
    const limit =
      least !== undefined && judgeAge(least) === "unusable" ? ` (there is a limit of ${formatDuration(least)})` : "";
    return bad(`everyday and dangerous actions are denied even with MFA: ${why}${limit}`);
  }
  const others = new Set(openings.flatMap(({ othersDependOn }) => othersDependOn));
  if (proof.isExample && others.size > 0) {
    const keys = spell([...others], spelling).join(", ");
    return bad(
      `MFA is NOT enforced for every user: it is enforced for ${nameOf(proof)}, but for others that depends on ${keys}`,
    );
  }
  return good("MFA is enforced: without it, everything is denied except what users need to set it up");
}

/** Sorts context keys in lower case and writes them as the policies do. */
const spell = (keys: readonly string[], spelling: Proof["spelling"]): readonly string[] =>
  keys.toSorted().map((key) => spelling.get(key) ?? key);

const nameOf = ({ user, isExample }: Proof): string =>
  `${user.slice(user.lastIndexOf("/") + 1)}${isExample ? " (an example)" : ""}`;

/** Names the parts of the policies that may give other users a different result. */
function noteOtherUsers({ identityConditions, deniedUsers }: Proof): Verdict[] {
  const differences = [
    ...identityConditions.map((condition) => `conditions on ${condition}`),
    ...nameDenied(deniedUsers),
  ];
  if (differences.length === 0) return [];
  return [note(`other users may get other results (--user ARN): the policies have ${differences.join("; ")}`)];
}

const nameDenied = (users: readonly string[]): readonly string[] =>
  users.length > 0 ? [`a Deny for ${joinList(users)}`] : [];

/** Lists the keys that decisions depend on. */
function listKeys(
  { findDecidingKeys }: Proof,
  rows: readonly ProofRow[],
  isAbout: (cell: Cell) => boolean,
): readonly string[] {
  return [...new Set(rows.flatMap(({ cells }) => cells.filter(isAbout).flatMap(findDecidingKeys)))].sort();
}

const describeMissingKeys = (keys: readonly string[]): string =>
  `depends on ${keys.join(", ")}, which these requests do not set (--context KEY=VALUE)`;

/** Describes for whom and what is not denied, for each way to authenticate if they differ: what follows "not enforced". */
function describeOpenings(open: readonly Opening[], proof: Proof): string {
  const { openings: all, onlyDenies, spelling } = proof;
  const nobodyAllows = open.every(({ allowed }) => isEnforced(allowed));
  if (nobodyAllows && !onlyDenies && all.every(({ coverage }) => coverage.denies.length + coverage.keys.length === 0))
    return ": beyond what users need to set it up, these policies neither allow nor deny actions without MFA; other policies may allow them";
  const texts = open.map(
    (each) =>
      describeOpening(each, (keys) => describeMissingKeys(spell(keys, spelling))) + explainServices(each, spelling),
  );
  const others = open.map(({ allowed }) =>
    isEnforced(allowed) ? "; these policies do not allow it, but other policies may" : "",
  );
  const [first] = open;
  if (open.length < all.length) {
    const who = first?.authMethod.name === "key" ? "access keys" : "sign-ins and sessions without MFA";
    return ` for ${who}: ${texts.join("")}${others.join("")}`;
  }
  const whole = texts.map((text, index) => text + (others[index] ?? ""));
  if (new Set(whole).size === 1) return `: ${whole[0]}`;
  if (new Set(others).size > 1) return `: ${joinWays(open, whole)}`;
  return `: ${joinWays(open, texts)}${others[0]}`;
}

/** Explains why a Deny for direct requests does not cover some services. */
function explainServices({ beyond }: Opening, spelling: Proof["spelling"]): string {
  const key = spelling.get(viaService);
  const services = servicesWithoutViaService.filter((service) => beyond.includes(`${service}:*`));
  if (key === undefined || services.length === 0) return "";
  return `; requests to ${joinList(services)} do not have ${key}`;
}

const joinWays = (open: readonly Opening[], texts: readonly string[]): string =>
  open.map(({ authMethod }, index) => `${authMethod.text}, ${texts[index]}`).join("; ");

/** Names what is exempt in addition, if MFA is enforced. */
function noteTolerated({ openings }: Proof): Verdict[] {
  const names = [...new Set(openings.flatMap(({ tolerated }) => tolerated))].sort();
  const others = names.filter((name) => name !== tolerable);
  return [
    ...(names.includes(tolerable)
      ? [
          note(
            `${tolerable} works without MFA: AWS advises against it, but it deletes only devices that are not enabled`,
          ),
        ]
      : []),
    ...(others.length > 0
      ? [note(`these are exempt and not needed to set up MFA, but harmless: ${others.join(", ")}`)]
      : []),
  ];
}

/** What keeps users from doing something in one way to authenticate. */
interface Obstacles {
  readonly method: string;
  /** Denied: no other policy can help. */
  readonly denied: readonly ProofRow[];
  /** Not allowed by these policies; another policy can allow it. */
  readonly missing: readonly ProofRow[];
  /** Context keys that the denials depend on; without denials, those that the rest depends on. */
  readonly keys: readonly string[];
}

function findObstacles(proof: Proof, rows: readonly ProofRow[], method: string): Obstacles {
  const of = (obstacle: Obstacle): readonly ProofRow[] => rows.filter((row) => findObstacle(row, method) === obstacle);
  const denied = of("denied");
  const keys = listKeys(proof, denied.length > 0 ? denied : rows, ({ authMethod }) => authMethod.name === method);
  return { method, denied, missing: of("missing"), keys };
}

const obstacles = ["none", "missing", "denied"] as const;
type Obstacle = (typeof obstacles)[number];

function findObstacle(row: ProofRow, method: string): Obstacle {
  if (hasCell(row, method, isAllowed)) return "none";
  return hasCell(row, method, isDenied) ? "denied" : "missing";
}

/** What keeps users from enrolling in one way to authenticate, and what they can enroll. */
interface Enrollment extends Obstacles {
  /** If not any device. */
  readonly only: string | undefined;
}

function findEnrollment(proof: Proof, method: string): Enrollment {
  const { rows, deviceNamedLikeUser } = proof;
  const wanted = listNeededToEnroll(method === "key" ? "key" : "console");
  const needed = rows.filter(({ action }) => wanted.includes(action));
  const others = needed.filter(({ action }) => action !== createDevice);
  const rank = (row: ProofRow): number => obstacles.indexOf(findObstacle(row, method));
  const any = needed.find(({ action }) => action === createDevice) ?? deviceNamedLikeUser;
  if (rank(deviceNamedLikeUser) < rank(any)) {
    const name = deviceNamedLikeUser.resource.split(":").at(-1);
    const only = `the virtual device must have the user's name (${name})`;
    return { ...findObstacles(proof, [deviceNamedLikeUser, ...others], method), only };
  }
  // AWS checks only EnableMFADevice for other kinds of devices. They need no list of virtual devices.
  const ofOtherKinds = others.filter(({ action }) => action !== listDevices);
  const kinds = method === "key" ? "hardware tokens" : "passkeys and hardware tokens";
  if (findObstacle(any, method) === "denied" && ofOtherKinds.every((row) => findObstacle(row, method) !== "denied")) {
    return { ...findObstacles(proof, ofOtherKinds, method), only: `only ${kinds}: ${createDevice} is denied` };
  }
  const listKeysOf = (row: ProofRow): readonly string[] =>
    listKeys(proof, [row], ({ authMethod }) => authMethod.name === method);
  const keys = listKeysOf(any);
  if (findObstacle(any, method) === "none" && keys.length > 0) {
    // The list is not needed either then, if the same decides about it.
    const isDecided = (row: ProofRow): boolean =>
      row.action === listDevices && listKeysOf(row).every((key) => keys.includes(key));
    const rest = others.filter((row) => findObstacle(row, method) === "denied" || !isDecided(row));
    const only = `perhaps only ${kinds}: ${createDevice} ${describeMissingKeys(keys)}`;
    return { ...findObstacles(proof, rest, method), only };
  }
  return { ...findObstacles(proof, needed, method), only: undefined };
}

/** What to attach. Its ARNs have to be of the user's partition. */
function adviseCompanion({ user }: Proof): string {
  const [, partition = "aws"] = user.split(":");
  const option = partition === "aws" ? "" : ` --partition ${partition}`;
  return `attach self-manage-mfa-policy too (fob policy show --self-manage${option})`;
}

/** @param others the verdicts on all else; the first is on enforcement */
function judgeEnrollmentAndPassword(proof: Proof, others: readonly Verdict[]): Verdict[] {
  const { rows, onlyDenies } = proof;
  const attachCompanion = adviseCompanion(proof);
  const ways = ["sign-in", "key"].map((method) => findEnrollment(proof, method));
  const changePassword = rows.filter(({ action }) => action === "iam:ChangePassword");
  const password = findObstacles(proof, changePassword, "sign-in");
  // AWS advises against exempting iam:ChangePassword, so a policy that enforces MFA is right to deny it.
  const needsMfa =
    others[0]?.kind === "good" &&
    password.denied.length > 0 &&
    ways.every(({ denied }) => denied.length === 0) &&
    !changePassword.some((row) => hasCell(row, "MFA", isDenied));
  const ofPassword = needsMfa ? note(passwordNeedsMfa) : judgePassword(password, attachCompanion);
  // Policies that only deny are not at fault for what they do not allow.
  if (onlyDenies && ways.every(({ denied }) => denied.length === 0)) {
    const lets = `to let users enroll${password.denied.length > 0 ? "" : " and change their password"}`;
    const limits = [...new Set(ways.flatMap(({ only }) => only ?? []))].map((only) => note(`to enroll: ${only}`));
    const rest = [...limits, ...(password.denied.length > 0 ? [ofPassword] : [])];
    const isCorrect = [...others, ...rest].every(({ kind }) => kind !== "bad");
    const companion = isCorrect
      ? good(`correct, but these policies only deny: ${attachCompanion} ${lets}`)
      : note(`these policies only deny: ${attachCompanion} ${lets}`);
    return [companion, ...rest];
  }
  return [...ways.map((way) => judgeEnrollment(way, attachCompanion)), ofPassword];
}

/** Whether a user who has no device yet can get one, with a password or with an access key. */
function judgeEnrollment(enrollment: Enrollment, attachCompanion: string): Verdict {
  const { method, denied, missing, only, keys } = enrollment;
  const how = method === "key" ? "with an access key" : "in the console";
  const limit = only === undefined ? "" : `, but ${only}`;
  if (denied.length > 0) return bad(`a new user can NOT enroll ${how}: ${describeDenied(enrollment)}`);
  if (missing.length > 0)
    return note(
      `these policies do not let a new user enroll ${how}: they do not allow ${joinActions(missing)}${limit}; ${attachCompanion}`,
    );
  if (keys.length > 0) return note(`a new user can enroll ${how}, but the result ${describeMissingKeys(keys)}`);
  return only === undefined ? good(`a new user can enroll ${how}`) : note(`a new user can enroll ${how}${limit}`);
}

function describeDenied({ denied, keys }: Obstacles): string {
  const [are, them] = denied.length === 1 ? ["is", "it"] : ["are", "them"];
  const why = keys.length > 0 ? `the result ${describeMissingKeys(keys)}` : `no other policy can allow ${them}`;
  return `${joinActions(denied)} ${are} denied, and ${why}`;
}

/** What `--require` can ask for. */
export const requirements = ["enforced", "enrollable"] as const;
export type Requirement = (typeof requirements)[number];

/** Whether a requirement certainly holds, and why or why not. */
export function judgeRequirement(proof: Proof, name: Requirement): { readonly holds: boolean; readonly why: string } {
  if (name === "enforced") {
    const verdict = judgeEnforcement(proof);
    const holds = verdict.kind === "good";
    return { holds, why: joinTexts(holds ? [verdict, ...noteTolerated(proof)] : [verdict]) };
  }
  const ways = ["sign-in", "key"].map((method) => findEnrollment(proof, method));
  const holds = ways.every(({ denied, missing, keys }) => denied.length + missing.length + keys.length === 0);
  const differences = [...proof.enrollmentConditions, ...nameDenied(proof.deniedUsers)];
  if (holds && proof.isExample && differences.length > 0) {
    const why = `${nameOf(proof)} can enroll, but for others that depends on ${differences.join("; ")} (--user ARN)`;
    return { holds: false, why };
  }
  return { holds, why: joinTexts(ways.map((way) => judgeEnrollment(way, adviseCompanion(proof)))) };
}

const joinTexts = (verdicts: readonly Verdict[]): string => verdicts.map(({ text }) => text).join("; ");

const passwordNeedsMfa =
  "users with a temporary or expired password cannot change it without MFA; correct (AWS advises this): users change their first password before they join the group";

function judgePassword(password: Obstacles, attachCompanion: string): Verdict {
  const { denied, missing } = password;
  const who = "users with a temporary or expired password";
  if (denied.length > 0)
    return bad(
      `${who} are locked out: ${describeDenied(password)}; have them change it before you attach these policies`,
    );
  if (missing.length > 0)
    return note(
      `these policies do not let ${who} change it: ${attachCompanion}, or let the account's password policy allow it`,
    );
  return good(`${who} can change it without MFA`);
}

function judgeEveryday(rows: readonly ProofRow[]): Verdict {
  const everyday = rows.filter(({ purpose }) => purpose === "everyday");
  const denied = everyday.filter((row) => hasCell(row, "MFA", isDenied));
  const open = everyday.filter((row) => !hasCell(row, "MFA", isAllowed));
  if (denied.length > 0) return bad(`these everyday actions are denied even with MFA: ${joinActions(denied)}`);
  if (open.length === 0) return good("everyday actions are allowed with MFA");
  return good(`these policies do not allow ${joinActions(open)} with MFA, but the user's other policies may`);
}

function judgeOldSessions({ rows, limits, deadLimits }: Proof): Verdict {
  const [most] = limits;
  if (most === undefined) {
    return good("no policy limits the age of a session; AWS ends every session after at most 36 h");
  }
  if (judgeAge(most) === "no effect") {
    const meant = guessAges(most);
    const hint = meant.length > 0 ? `; the limit is in seconds: ${describeAges(meant)}` : "";
    return bad(`a limit of ${formatDuration(most)} has no effect: AWS ends every session after at most 36 h${hint}`);
  }
  const [dead] = deadLimits;
  if (dead !== undefined)
    return bad(
      `the limit of ${formatDuration(dead)} never takes effect: no request with MFA meets the other conditions of its statement`,
    );
  const least = limits.at(-1) ?? most;
  if (judgeAge(least) === "unusable") {
    const meant = guessAges(least);
    const hint = meant.length > 0 ? `: ${describeAges(meant)}` : "";
    return bad(`a limit of ${formatDuration(least)} denies almost every request; the limit is in seconds${hint}`);
  }
  const guarded = rows.filter(isGuarded);
  const allowed = guarded.filter((row) => hasCell(row, "old MFA", isAllowed));
  if (allowed.length > 0) {
    return bad(`a session older than ${formatDuration(most)} can still call ${joinActions(allowed)}`);
  }
  const lower = [...new Set(limits.filter((limit) => limit < most))];
  const others =
    lower.length > 0
      ? `; use --action to check lower limits (${lower.slice(0, 3).map(formatDuration).join(", ")})`
      : "";
  const short =
    judgeAge(least) === "short"
      ? `; a limit of ${formatDuration(least)} is shorter than AWS's shortest session, 15 min`
      : "";
  if (guarded.every((row) => hasCell(row, "old MFA", isDenied))) {
    return good(`old sessions are denied until the user enters a new code${others}${short}`);
  }
  return good(`these policies do not allow old sessions, but the user's other policies may${short}`);
}
