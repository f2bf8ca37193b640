// What makes a session file not enough for an answer, one thing at a time.
import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { findCachedAnswer } from "../../src/store/fast-path.ts";
import { temporaryFolder } from "../helpers/world.ts";

const now = Date.now();
const answer = '{"Version":1}';

function makeStore() {
  const folder = temporaryFolder();
  const paths = { credentials: join(folder, "credentials"), config: join(folder, "config") };
  for (const path of Object.values(paths)) writeFileSync(path, "");
  mkdirSync(join(folder, "sessions"));
  const file = join(folder, "sessions", "work");
  const write = (until = now / 1000 + 60, profile = "work", endpoint = ""): void => {
    writeFileSync(
      file,
      `fob1 ${Math.floor(until)} ${profile}\n${answer}\n${JSON.stringify({ installedFor: endpoint })}\n`,
    );
    utimesSync(file, now / 1000 + 5, now / 1000 + 5);
  };
  write();
  return { folder, paths, file, write };
}

type Made = ReturnType<typeof makeStore>;
const ask = ({ folder, paths }: Made, env: Record<string, string> = {}, endpoint?: string) =>
  findCachedAnswer("work", folder, paths, env, now, endpoint);

afterEach(() => void vi.restoreAllMocks());

test("a fresh session file of that very profile is enough", () => {
  expect(ask(makeStore())).toBe(answer);
});

test.each<[string, (made: Made) => void]>([
  ["its time is over", ({ write }) => write(now / 1000 - 1)],
  ["it is of another profile", ({ write }) => write(undefined, "other")],
  ["it is of an endpoint that was not asked for", ({ write }) => write(undefined, undefined, "http://localhost:1")],
  ["it is cut off", ({ file }) => writeFileSync(file, `fob1 9999999999 work\n${answer}\n`)],
  ["the config is newer", ({ paths }) => utimesSync(paths.config, now / 1000 + 9, now / 1000 + 9)],
  ["the credentials file is newer", ({ paths }) => utimesSync(paths.credentials, now / 1000 + 9, now / 1000 + 9)],
  [
    "it is a symbolic link",
    ({ file }) => {
      renameSync(file, `${file}-real`);
      symlinkSync(`${file}-real`, file);
    },
  ],
  ["it belongs to another user", () => void vi.spyOn(process, "geteuid").mockReturnValue(12345)],
])("%s: that takes a closer look", (_, change) => {
  const made = makeStore();
  change(made);
  expect(ask(made)).toBeUndefined();
});

test.each([
  [{ AWS_ENDPOINT_URL: "http://localhost:1" }],
  [{ AWS_ENDPOINT_URL_STS: "http://localhost:1" }],
  [{ AWS_MFA_SERIAL: "arn:aws:iam::123456789012:mfa/other" }],
])("%o may ask for another session", (env) => {
  expect(ask(makeStore(), env)).toBeUndefined();
});

test("a session of an endpoint is for who names it", () => {
  const made = makeStore();
  made.write(undefined, undefined, "http://localhost:1");
  expect(ask(made, {}, "http://localhost:1")).toBe(answer);
  expect(ask(made, { AWS_ENDPOINT_URL: "http://localhost:1" }, "http://localhost:1")).toBe(answer);
  expect(ask(made, {}, "http://localhost:2")).toBeUndefined();
});
