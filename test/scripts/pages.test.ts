// Every command that README.md and the pages in docs/ print is typed here, in real shells, as printed.
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isBroad } from "../helpers/broad.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { run, takeOn, withFob } from "../helpers/shells.ts";
import { makeWorld, program, temporaryFolder, type World } from "../helpers/world.ts";

const root = resolve(program, "../..");
const read = (page: string): string => readFileSync(join(root, page), "utf8");
const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`);
const markdown = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "policies/README.md",
  "test/bench/README.md",
  ...docs,
].filter((page) => page.endsWith(".md"));
const pages = markdown.filter((page) => page === "README.md" || /^docs\/[^/]+$/.test(page));

/** Programs that a stand-in replaces while the commands are typed, and why. fob and the shell are the real ones. */
const replaced: Readonly<Record<string, string>> = {
  aws: "calls AWS; test/interop runs it against the local AWS",
  crontab: "changes the machine",
  direnv: "may not be installed; test/long/recipes.test.ts runs it if it is",
  docker: "needs an engine and an image registry",
  kubectl: "needs a cluster",
  npm: "needs the package registry; `npm run check:package` installs the package",
  npx: "needs the package registry",
  terraform: "downloads providers",
};

interface Block {
  readonly page: string;
  readonly section: string;
  readonly text: string;
}

/** The blocks of a page in this language, without their indentation. */
function blocksOf(page: string, language: string): readonly Block[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)\\n *\`\`\`$`, "gm");
  return read(page)
    .split(/^(?=## )/m)
    .flatMap((part) =>
      [...part.matchAll(fence)].map(([, indent = "", text = ""]) => ({
        page,
        section: /^## (.*)/.exec(part)?.[1] ?? "",
        text: `${indent}${text}`.replace(new RegExp(`^${indent}`, "gm"), ""),
      })),
    );
}

/** A user with a device that gives codes by itself, and with the role profiles that the page defines. */
async function makeWorldOf(page: string): Promise<{ world: World; env: Record<string, string> }> {
  const world = await makeWorld();
  const codes = join(world.home, "codes");
  writeFileSync(codes, [-1, 0, 1].map((step) => `${world.device.code(Date.now() + step * 30_000)}\n`).join(""), {
    mode: 0o600,
  });
  mayHoldSecrets(codes);
  const process = `head -n 1 ${codes}; sed -i 1d ${codes}`;
  const config = world.config().replace("[profile work]", `$&\nmfa_process = ${process}`);
  writeFileSync(world.configPath, config);
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const trust = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${world.sandbox.account}:root` },
        Action: "sts:AssumeRole",
        Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
      },
    ],
  };
  const profiles = blocksOf(page, "ini").filter(({ text }) => text.includes("role_arn"));
  for (const { text } of profiles) {
    const name = /role_arn = .*role\/(.*)/.exec(text)?.[1] ?? "";
    const { arn } = world.sandbox.addRole({ name, trust, policies: [everything] });
    appendFileSync(world.configPath, `\n${text.replace(/(?<=role_arn = ).*/, arn)}\n`);
  }
  await world.fob(["login", "work"]);
  return { world, env: withFob({ ...world.env, SHELL: "/bin/bash" }) };
}

/** What stand-ins do, where that is not nothing. `fob doctor` asks aws for its version. */
const standIns: Readonly<Record<string, string>> = {
  aws: 'test "$1" != --version || echo aws-cli/2.36.7',
  crontab: "cat >/dev/null",
};

/** Puts stand-ins for these programs first on the PATH, and a browser that only follows the address. */
function replacePrograms(env: Record<string, string>): void {
  const [bin = ""] = (env.PATH ?? "").split(":");
  const write = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  for (const name of Object.keys(replaced)) write(name, standIns[name] ?? ":");
  write("browser", `exec node -e 'fetch(process.argv[1], { redirect: "manual" })' "$1"`);
  env.BROWSER = join(bin, "browser");
}

/** test/long/administrators-page.test.ts and test/long/audit.test.ts type these in a sandbox. */
const inSandbox = ["docs/administrators.md", "docs/audit.md"];

const withCommands = pages.flatMap((page) => {
  if (inSandbox.includes(page)) return [];
  const blocks = blocksOf(page, "sh");
  return blocks.length > 0 ? [{ page, blocks }] : [];
});

test.runIf(isBroad).each(withCommands)("the commands of $page", async ({ page, blocks }) => {
  const cwd = temporaryFolder();
  // Of fob sandbox --save.
  mayHoldSecrets(join(cwd, "mine.json"));
  // A section begins with a new home, and finds the files that the sections above it have written where it is typed.
  for (const section of new Set(blocks.map((block) => block.section))) {
    const { world, env } = await makeWorldOf(page);
    replacePrograms(env);
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    for (const { text } of blocks.filter((block) => block.section === section)) {
      const { status, stderr } = await run("bash", `set -e\n${takeOn.bash}\n${text}`, {
        env: text.includes("--source-env") ? { ...env, ...keys } : env,
        cwd,
        shows: ["sign-in token"],
      });
      expect({ text, status, stderr }).toEqual({
        text,
        status: 0,
        stderr: expect.not.stringMatching(/error|not found|No such/) as string,
      });
    }
  }
});

test.each(Object.keys(replaced))("a page uses %s, which is replaced", (name) => {
  const texts = withCommands.flatMap(({ blocks }) => blocks.map(({ text }) => text));
  expect(texts.join("\n")).toMatch(new RegExp(`(^|[^-\\w])${name} `, "m"));
});

const helps = new Map<string, Promise<string | undefined>>();
/** The help of a command; undefined if there is no such command. */
async function getHelp(world: World, command: string): Promise<string | undefined> {
  const { status, stdout } = await world.fob(command === "help" ? ["help"] : [...command.split(" "), "--help"]);
  return status === 0 ? stdout : undefined;
}

test("every fob command in the texts exists and has the options that it is given", async () => {
  const world = await makeWorld();
  const given = pages.flatMap((page) =>
    [
      ...read(page).matchAll(
        /\bfob ((?:policy |rollout |sandbox (?=code|fault|sign-in))?[a-z]+(?:-[a-z]+)*)((?: (?!-- )[^\s`"')|>]+)*)/g,
      ),
    ]
      .filter(({ index }) => isInCode(read(page), index) && !isMessage(read(page), index))
      .map(([, command = "", rest = ""]) => ({ page, command, options: rest.match(/(?<= )--[a-z-]+/g) ?? [] })),
  );
  expect(given.length).toBeGreaterThan(50);
  for (const { page, command, options } of given) {
    const help = await (helps.get(command) ?? helps.set(command, getHelp(world, command)).get(command));
    expect(help, `${page}: fob ${command}`).toBeDefined();
    for (const option of options)
      expect(help, `${page}: fob ${command}`).toMatch(new RegExp(`^ +(-., )?${option}\\b`, "m"));
  }
});

/** Whether this place is between backquotes or in a block. */
const isInCode = (text: string, index: number): boolean => {
  const before = text.slice(0, index);
  return (before.match(/```/g)?.length ?? 0) % 2 === 1 || (before.split("\n").pop()?.split("`").length ?? 1) % 2 === 0;
};

/** Whether this place is in what fob says in a transcript, which names it without a command. */
const isMessage = (text: string, index: number): boolean =>
  text.slice(text.lastIndexOf("\n", index) + 1, index).startsWith("fob: ");

/** What GitHub calls a heading in an address. */
const toAnchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

test.each(markdown)("the links of %s lead to pages and headings", (page) => {
  for (const [, target = "", anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
    const path = target === "" ? page : join(dirname(page), target);
    expect(existsSync(join(root, path)), path).toBe(true);
    if (anchor === undefined) continue;
    const anchors = [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => toAnchor(heading));
    expect(anchors, path).toContain(anchor);
  }
});

test("the README has at most 160 lines", () => {
  expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(160);
});

const banned =
  /\b(mend\w*|by way of|whoever|who asks|nobody|somebody|there is none|stands? in|misspelt|honours?|licence|enrol|colours?|behaviour)\b/gi;

test.each(markdown)("%s is in plain words", (page) => {
  expect(read(page).match(banned)).toBe(null);
});

test("help, messages, comments and test titles are in plain words too", () => {
  const files = ["bin/fob", ...["src", "test", "scripts"].flatMap(listSources)];
  const found = files.flatMap((file) => {
    const lines = read(file).split("\n").entries();
    return [...lines].flatMap(([index, line]) => (line.match(banned) ? [`${file}:${index + 1}: ${line.trim()}`] : []));
  });
  // What this file looks for.
  expect(found.filter((place) => !place.startsWith("test/scripts/pages.test.ts:"))).toEqual([]);
});

/** The sources below a folder that people read. */
function listSources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`)
    .filter((name) => /\.(ts|mjs|cjs|bash|zsh|fish|sh|ps1)$/.test(name) && !name.startsWith("test/interop/installed/"));
}
