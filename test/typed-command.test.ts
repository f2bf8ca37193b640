// Hints repeat what was typed.
import { expect, test } from "vitest";
import { parseArguments } from "../src/cli/arguments.ts";
import { execCommand } from "../src/cli/commands/exec.ts";
import { loginCommand } from "../src/cli/commands/login.ts";
import { formatCommand, formatLogin, type TypedCommand } from "../src/typed-command.ts";

const typed: TypedCommand = {
  name: "login",
  named: ["work"],
  options: { to: "day", duration: "8h", force: true, code: "012345", codeStdin: true, noInput: true },
};

test("a command line is repeated with all its options, and never with a code", () => {
  expect(formatCommand(typed)).toBe("fob login work --to day --duration 8h --force --no-input");
});

test("a login for a person to paste does not forbid to ask that person", () => {
  expect(formatLogin(typed, { profile: "other", options: {} })).toBe("fob login work --to day --duration 8h --force");
  const exec = { name: "exec", named: ["prod"], options: { noInput: true }, behind: ["true"] };
  expect(formatLogin(exec, { profile: "work", options: { serial: "GAHT12345678" } }, { set: { duration: "1h" } })).toBe(
    "fob login work --serial GAHT12345678 --duration 1h",
  );
});

test("mfa is repeated as mfa, but not for a program to run", () => {
  const mfa: TypedCommand = { name: "login", named: ["work"], options: {}, as: "mfa" };
  expect(formatCommand(mfa)).toBe("mfa work");
  expect(formatCommand(mfa, { isForProgram: true })).toBe("fob login work");
});

test("options are set, replaced and left out, and a profile takes the place of another", () => {
  const changes = { profile: "play", set: { duration: "1h", serial: "bob" }, without: ["force", "noInput"] };
  expect(formatCommand(typed, changes)).toBe("fob login play --to day --duration 1h --serial bob");
  const status = { name: "status", named: ["a", "wrok", "b"], options: { check: true } };
  expect(formatCommand(status, { profile: "work", instead: "wrok" })).toBe("fob status a work b --check");
});

test.each([
  { command: loginCommand, argv: ["--profile=-x", "--to=-y", "--serial", "it's $mine"] },
  { command: execCommand, argv: ["work", "--min-ttl", "1h", "--", "sh", "-c", "echo '$HOME' | wc"] },
])("what a shell makes of it is what was typed: %j", ({ command, argv }) => {
  const read = (words: readonly string[]): TypedCommand => {
    const given = parseArguments(command, words);
    if (given.help) throw new Error("asks for help");
    const options = { ...given.options, profile: undefined };
    return { name: command.name, named: given.named, options, behind: given.command };
  };
  const line = formatCommand(read(argv));
  const words = [...line.matchAll(/(?:'[^']*'|\\.|[^\s'\\])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|\\(.)/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ""),
  );
  expect(read(words.slice(2))).toEqual(read(argv));
});

test("a profile that is only an option stays", () => {
  const apply = { name: "rollout apply", named: [], options: { profile: "admin", plan: "plan.json" } };
  expect(formatCommand(apply, { set: { yes: true } })).toBe("fob rollout apply --profile admin --plan plan.json --yes");
});
