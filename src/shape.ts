// Reads parsed JSON whose shape is known, and says where it differs.

/** The value has another shape; the message says where: `users[3].path must be a text`. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** Returns a value as what it is to be. @param at its place, as in `users[3].path` @throws ShapeError */
export type Read<T> = (value: unknown, at: string) => T;

/** Reads a text. @param form what it must match, and in words */
export function text(form?: readonly [pattern: RegExp, words: string]): Read<string> {
  return (value, at) => {
    if (typeof value !== "string") throw new ShapeError(`${at} must be a text`);
    if (form !== undefined && !form[0].test(value)) throw new ShapeError(`${at} must be ${form[1]}`);
    return value;
  };
}

/** Reads one of a few texts. */
export function oneOf<const T extends string>(choices: readonly T[]): Read<T> {
  return (value, at) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new ShapeError(`${at} must be one of: ${choices.join(", ")}`);
    return found;
  };
}

export const flag: Read<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw new ShapeError(`${at} must be true or false`);
  return value;
};

export const wholeNumber: Read<number> = (value, at) => {
  if (!Number.isSafeInteger(value)) throw new ShapeError(`${at} must be a whole number`);
  return value as number;
};

/** The version of a file's format. */
export const versionOne: Read<1> = (value) => {
  if (value === 1) return 1;
  throw new ShapeError(value === undefined ? "it has no version" : `its version is ${JSON.stringify(value)}, not 1`);
};

export function list<T>(item: Read<T>): Read<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new ShapeError(`${at} must be a list`);
    return value.map((each, index) => item(each, `${at}[${index}]`));
  };
}

/** Reads an object with any names. */
export function table<T>(item: Read<T>): Read<Readonly<Record<string, T>>> {
  return (value, at) =>
    Object.fromEntries(
      Object.entries(requireObject(value, at)).map(([name, each]) => [name, item(each, `${at}.${name}`)]),
    );
}

export const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value, at) =>
    value === null ? null : read(value, at);

/** What stands for a value that is absent. */
export const withDefault =
  <T>(read: Read<T>, otherwise: T): Read<T> =>
  (value, at) =>
    value === undefined ? otherwise : read(value, at);

export const optional = <T>(read: Read<T>): Read<T | undefined> => withDefault<T | undefined>(read, undefined);

/** Reads an object with these members and no others. */
export function object<T extends object>(members: Members<T>): Read<T> {
  const read = part(members);
  return (value, at) => {
    const other = Object.keys(requireObject(value, at)).find((name) => !Object.hasOwn(members, name));
    if (other === undefined) return read(value, at);
    throw new ShapeError(`${at === "" ? "it" : at} has an unknown member ${JSON.stringify(other)}`);
  };
}

/** Reads these members of an object, whatever others it has. */
export function part<T extends object>(members: Members<T>): Read<T> {
  const readers = Object.entries<Read<unknown>>(members);
  return (value, at) => {
    const given = requireObject(value, at);
    return Object.fromEntries(
      readers.map(([name, read]) => [name, read(given[name], at === "" ? name : `${at}.${name}`)]),
    ) as T;
  };
}

type Members<T> = { readonly [Name in keyof T]-?: Read<T[Name]> };

function requireObject(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ShapeError(`${at === "" ? "it" : at} must be an object`);
}
