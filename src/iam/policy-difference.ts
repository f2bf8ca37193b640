// Says in a few words where a policy's text differs from the one that it should be.
import type { PolicyDocument } from "../policy/engine/document.ts";

/**
 * Names the first element that differs: `statement DenyAllWithoutMFA: NotAction does not have "iam:GetUser"`. undefined if the
 * text says the same: white space and the order of keys do not count.
 */
export function describeDifference(text: string, expected: PolicyDocument): string | undefined {
  let actual: unknown;
  try {
    actual = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (serialize(actual) === serialize(expected)) return undefined;
  if (!isRecord(actual)) return "it is not an object";
  const statements = [actual.Statement].flat();
  const wanted = [expected.Statement].flat();
  for (const [index, statement] of wanted.entries()) {
    const name = `statement ${statement.Sid ?? index + 1}`;
    const own = statements[index];
    if (!isRecord(own)) return `${name} is missing`;
    const difference = describeElement(own, { ...statement });
    if (difference !== undefined) return `${name}: ${difference}`;
  }
  if (statements.length > wanted.length) return `it has ${statements.length} statements, not ${wanted.length}`;
  return describeElement(actual, { ...expected });
}

function describeElement(
  actual: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): string | undefined {
  const element = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].find(
    (name) => serialize(actual[name]) !== serialize(expected[name]),
  );
  if (element === undefined) return undefined;
  const [own, should] = [actual[element], expected[element]];
  if (own === undefined) return `${element} is missing`;
  if (should === undefined) return `${element} should not be there`;
  if (!Array.isArray(own) || !Array.isArray(should)) return `${element} is ${shorten(own)}, not ${shorten(should)}`;
  const missing = should.filter((each) => !own.includes(each));
  if (missing.length > 0) return `${element} does not have ${missing.map(shorten).join(", ")}`;
  const added = own.filter((each) => !should.includes(each));
  return added.length > 0 ? `${element} also has ${added.map(shorten).join(", ")}` : `${element} has another order`;
}

function shorten(value: unknown): string {
  const text = serialize(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const serialize = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
