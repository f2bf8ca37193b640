// Programs that no one here wrote, reading what fob writes: the SDK for JavaScript, npm's ini, Python and botocore.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadSharedConfigFiles } from "@smithy/core/config";
import { parse } from "ini";
import type { FileKind } from "../../src/profiles/scan.ts";
import { isThere } from "../helpers/needed.ts";

/** Sections, or for `kind: "profiles"` profiles, by name; a nested block's keys come as `s3.addressing_style`. */
export type Reading = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Reader {
  readonly name: string;
  /** False where the program is not on this machine. */
  readonly isThere: boolean;
  /** What it makes of a file (one character a byte), or undefined where it cannot read it. */
  read(text: string, kind: FileKind): Promise<Reading | undefined>;
  /** Under which name it has a profile, or undefined where its own rules have no such name. */
  nameOf(profile: string, kind: FileKind): string | undefined;
  /** Whether its own rules leave such a value as it is. */
  keeps(value: string): boolean;
}

const folder = mkdtempSync(join(tmpdir(), "fob-readers-"));
const path = join(folder, "file");
const put = (text: string): string => {
  writeFileSync(path, text, "latin1");
  return path;
};

/** `[profile x]` in the config, `[x]` in the credentials file. */
const titleOf = (profile: string, kind: FileKind): string =>
  kind === "credentials" || profile === "default" ? profile : `profile ${profile}`;

/** Plain INI readers leave the quotes of `[profile "x"]` where they are. */
function unquoted(reading: Reading | undefined): Reading | undefined {
  const bare = (title: string): string => title.replace(/^(profile )(["'])(.*)\2$/, "$1$3");
  return reading && Object.fromEntries(Object.entries(reading).map(([title, keys]) => [bare(title), keys]));
}

/** It lists a profile only when the profile has a property. */
const sdk: Reader = {
  name: "the SDK for JavaScript",
  isThere: true,
  async read(text, kind) {
    const file = put(text);
    const none = join(folder, "none");
    const read = await loadSharedConfigFiles({
      filepath: kind === "credentials" ? file : none,
      configFilepath: kind === "config" ? file : none,
      ignoreCache: true,
    });
    return (kind === "credentials" ? read.credentialsFile : read.configFile) as Reading;
  },
  nameOf: (profile, kind) => (kind === "credentials" || /^[\w\-@+.%:/]+$/.test(profile) ? profile : undefined),
  keeps: () => true,
};

/**
 * It takes no header with a comment or an indent for a header, knows no nested blocks, splits names at dots, and cuts
 * values at ; and #.
 */
const ini: Reader = {
  name: "npm ini",
  isThere: true,
  read(text) {
    const decoded = Buffer.from(text, "latin1").toString("utf8");
    const headers = decoded.split(/[\r\n]+/).filter((line) => /^\s*\[/.test(line));
    const isNested = /^[^\S\n]+[^\s#;]/m.test(decoded);
    const isReadable =
      !isNested && !decoded.startsWith("\ufeff") && headers.every((line) => /^\[[^\]]*\]\s*$/.test(line));
    return Promise.resolve(isReadable ? unquoted(flat(parse(decoded))) : undefined);
  },
  nameOf: titleOf,
  keeps: (value) => !/[;#\\]|^(["'])(.*\1)?$|^(true|false|null)$/.test(value),
};

/** Sections that npm's ini has nested at the dots of their names. */
function flat(sections: object, above: readonly string[] = []): Reading {
  const reading: Record<string, Record<string, string>> = {};
  for (const [key, value] of Object.entries(sections) as [string, unknown][]) {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      Object.assign(reading, flat(value, [...above, key]));
    } else {
      const name = above.join(".");
      reading[name] ??= {};
      reading[name][key] = String(value);
    }
  }
  return reading;
}

const script = `
import json, sys, configparser
try:
    from botocore import configloader
except ImportError:
    configloader = None

def flat(values):
    result = {}
    for key, value in values.items():
        if isinstance(value, dict):
            result.update({key + "." + inner: text for inner, text in value.items()})
        else:
            result[key] = value
    return result

def read(reader, path, kind):
    if reader == "configparser":
        parser = configparser.RawConfigParser()
        parser.read([path])
        return {name: dict(parser[name]) for name in parser.sections()}
    if kind == "credentials":
        sections = configloader.raw_config_parse(path)
    else:
        sections = configloader.load_config(path)["profiles"]
    return {name: flat(values) for name, values in sections.items()}

for line in sys.stdin:
    try:
        answer = read(*json.loads(line))
    except Exception as error:
        answer = type(error).__name__
    print(json.dumps(answer), flush=True)
`;

/** One Python for all questions, so that a question costs no start. It ends when its stdin does. */
class Python {
  private child: ChildProcessWithoutNullStreams | undefined;
  private readonly waiting: ((answer: string) => void)[] = [];

  async ask(...question: readonly string[]): Promise<Reading | undefined> {
    this.child ??= this.start();
    const { stdin } = this.child;
    const answer = await new Promise<string>((resolve) => {
      this.waiting.push(resolve);
      stdin.write(`${JSON.stringify(question)}\n`);
    });
    const read = JSON.parse(answer) as Reading | string;
    return typeof read === "string" ? undefined : read;
  }

  private start(): ChildProcessWithoutNullStreams {
    const child = spawn("python3", ["-u", "-c", script], { env: { ...process.env, PYTHONUTF8: "1" } });
    createInterface({ input: child.stdout }).on("line", (line) => this.waiting.shift()?.(line));
    child.stderr.pipe(process.stderr);
    return child;
  }
}

const python = new Python();

const configparser: Reader = {
  name: "Python's configparser",
  isThere: isThere("python3", "-c", "import configparser"),
  read: async (text, kind) => unquoted(await python.ask("configparser", put(text), kind)),
  nameOf: titleOf,
  keeps: () => true,
};

const botocore: Reader = {
  name: "botocore",
  isThere: isThere("python3", "-c", "import botocore"),
  read: (text, kind) => python.ask("botocore", put(text), kind),
  nameOf: (profile) => profile,
  keeps: () => true,
};

export const readers = { sdk, ini, configparser, botocore } as const;
