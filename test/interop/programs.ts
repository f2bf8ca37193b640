// Programs of others; install.mjs installs them.
import { join } from "node:path";
import { isThere, succeeds } from "../helpers/needed.ts";
import { execute, node, type OnTerminal, onTerminal, type Result, type World } from "../helpers/world.ts";

export interface Program {
  readonly name: string;
  /** It prints the ARN of whom it finds itself to be. */
  readonly command: readonly string[];
  readonly isThere: boolean;
  /** What its user sees of that which fob says on stderr. */
  readonly shows: "nothing" | "errors" | "everything";
  /** Whether it waits for an answer for as long as fob does. */
  readonly isPatient: boolean;
  /** What it says of a role profile with an `mfa_serial`, and fails; without it, it takes no notice of that line. */
  readonly atSerial?: string;
  /** It asks for a role at AWS_ENDPOINT_URL_STS alone, and not at AWS_ENDPOINT_URL. */
  readonly needsStsEndpoint?: true;
}

const client = (name: string): string => join(import.meta.dirname, "clients", name);
const inPath = (command: string) => ["sh", "-c", `command -v ${command}`] as const;

const needed: readonly Program[] = [
  {
    name: "SDK for JavaScript",
    command: [node, client("identity.mjs")],
    isThere: true,
    shows: "nothing",
    isPatient: true,
    atSerial: "requires multi-factor authentication, but no MFA code callback was provided",
  },
  {
    name: "boto3",
    command: ["python3", client("identity.py")],
    isThere: isThere("python3", "-c", "import boto3"),
    shows: "errors",
    isPatient: true,
    atSerial: "Enter MFA code for arn:aws:iam:",
  },
  {
    name: "aws command",
    command: ["aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
    isThere: isThere("aws", "--version"),
    shows: "errors",
    isPatient: true,
    atSerial: "Enter MFA code for arn:aws:iam:",
  },
  {
    name: "SDK for Go",
    command: ["identity-go"],
    isThere: isThere(...inPath("identity-go")),
    shows: "everything",
    isPatient: true,
    atSerial: "assume role with MFA enabled, but AssumeRoleTokenProvider session option not set",
    needsStsEndpoint: true,
  },
];

/** `npm run test:interop -- --all` runs these where they can be built. */
const others: readonly Program[] = [
  {
    name: "SDK for Java",
    command: ["identity-java"],
    isThere: succeeds(...inPath("identity-java")),
    shows: "nothing",
    isPatient: true,
  },
  {
    name: "SDK for Rust",
    command: ["identity-rust"],
    isThere: succeeds(...inPath("identity-rust")),
    shows: "errors",
    isPatient: false,
  },
];

export const programs = process.env.FOB_INTEROP === "all" ? [...needed, ...others] : needed;

/** The SDK for JavaScript with its process provider alone. */
export const fromProcess: Program = {
  name: "SDK for JavaScript, fromProcess",
  command: [node, client("identity.mjs"), "fromProcess"],
  isThere: true,
  shows: "errors",
  isPatient: true,
};

/** The environment in which a program finds itself to be a profile. */
export const envOf = (world: World, { needsStsEndpoint }: Program, profile = "work-mfa"): World["env"] => ({
  ...world.env,
  AWS_PROFILE: profile,
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  ...(needsStsEndpoint ? { AWS_ENDPOINT_URL_STS: world.sandbox.url } : {}),
});

/** Runs it without a terminal. */
export function run(program: Program, world: World, env = envOf(world, program)): Promise<Result> {
  const [file = "", ...args] = program.command;
  return execute(file, args, { env });
}

export function runOnTerminal(program: Program, world: World, env = envOf(world, program)): OnTerminal {
  const [file = "", ...args] = program.command;
  return onTerminal(file, args, { env });
}

declare module "vitest" {
  interface TaskMeta {
    /** Of the program that a test has run; run.mjs finds its version there. */
    userAgent?: string;
  }
}
