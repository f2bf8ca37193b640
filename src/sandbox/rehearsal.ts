// A local AWS with a scenario's account and AWS files of its own, apart from the user's.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { getDefaultRegion } from "../aws/partitions.ts";
import { isAboutAws, type Variables } from "../environment/variables.ts";
import type { Environment } from "../environment-variables.ts";
import { createFile } from "../files/create.ts";
import { explainFileError } from "../files/read.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import type { Account, Principal } from "./account.ts";
import {
  authenticatorVariable,
  createAuthenticator,
  folderPrefix,
  sweepFolders,
  temporaryFolder,
} from "./authenticator.ts";
import { describeGaps } from "./gaps.ts";
import { formatAccount } from "./save-account.ts";
import type { Scenario } from "./scenarios.ts";
import { type Sandbox, startSandbox } from "./server.ts";

export interface Rehearsal {
  readonly url: string;
  /** Twelve digits. */
  readonly account: string;
  /** What leads AWS tools and fob there, and nowhere else. */
  readonly variables: Variables;
  /** What the account does not have or cannot decide, in words: of an account that was loaded. */
  readonly gaps: readonly string[];
  /** The account as it is now, for a file that can be loaded again. */
  format(): string;
  /** Stops the local AWS and removes all files. */
  close(): Promise<void>;
}

/**
 * Starts it.
 *
 * @param env the environment that the variables are for
 * @param staleMs how old the answers of IAM's List and Get operations are
 */
export async function startRehearsal(scenario: Scenario, env: Environment, staleMs = 0): Promise<Rehearsal> {
  sweepFolders();
  const folder = makeFolder();
  const files = { ...listAwsFiles(folder), store: join(folder, "fob"), keychain: join(folder, "keychain") };
  const controlToken = randomBytes(24).toString("base64url");
  const authenticator = createAuthenticator(folder, controlToken);
  let sandbox: Sandbox | undefined;
  const close = async (): Promise<void> => {
    await sandbox?.close();
    // A command that was left running may still write there.
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    let filled: Account | undefined;
    let gaps: readonly string[] = [];
    sandbox = await startSandbox({
      ...(scenario.account === undefined ? {} : { account: scenario.account }),
      ...(scenario.partition === undefined ? {} : { partition: scenario.partition }),
      fill: (account) => {
        filled = account;
        const found = scenario.fill(account);
        if (scenario.saved !== undefined && found !== undefined) gaps = describeGaps(scenario.saved, found);
        writeAwsFiles(files, account);
        authenticator.write(account);
      },
      changed: authenticator.write,
      controlToken,
    });
    if (staleMs > 0) sandbox.addFault({ operation: "iam:*", kind: "stale", ms: staleMs });
    authenticator.open(sandbox.url);
    const variables = buildVariables({ ...files, authenticator: authenticator.path }, sandbox.url, env);
    const format = (): string => formatAccount(filled as Account, scenario.saved);
    return { url: sandbox.url, account: sandbox.account, variables, gaps, format, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes the folder of a sandbox, 0700. @throws FobError */
function makeFolder(): string {
  const above = temporaryFolder();
  try {
    return mkdtempSync(join(above, folderPrefix));
  } catch (error) {
    throw explainFileError(error, above);
  }
}

const listAwsFiles = (folder: string): AwsFilePaths => ({
  credentials: join(folder, ".aws", "credentials"),
  config: join(folder, ".aws", "config"),
});

/** Writes the AWS files: a profile for each user with an active access key, and its name is the user's. */
function writeAwsFiles(files: AwsFilePaths, account: Account): void {
  mkdirSync(dirname(files.config), { mode: 0o700 });
  const hasUserRoot = account.findUser("root") !== undefined;
  const owners = [...(hasUserRoot ? [] : [account.root]), ...account.users()].flatMap((owner) => {
    const key = account.accessKeysOf(owner).find(({ active }) => active);
    return key === undefined ? [] : [{ owner, profile: owner.name ?? "root", key }];
  });
  const region = getRegion(account);
  createFile(
    files.credentials,
    owners
      .map(({ profile, key: { accessKeyId, secretAccessKey } }) =>
        formatSection(profile, { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey }),
      )
      .join("\n"),
  );
  createFile(
    files.config,
    owners
      .map(({ owner, profile }) =>
        formatSection(profile === "default" ? profile : `profile ${profile}`, { region, ...describeDevice(owner) }),
      )
      .join("\n"),
  );
}

const getRegion = ({ partition }: Account): string =>
  partition === "aws" ? "eu-central-1" : (getDefaultRegion(partition) ?? "us-east-1");

function describeDevice({ devices }: Principal): Readonly<Record<string, string>> {
  const device = devices.find(({ seed }) => seed !== undefined);
  return device === undefined ? {} : { mfa_serial: device.serialNumber };
}

const formatSection = (name: string, settings: Readonly<Record<string, string>>): string =>
  `[${name}]\n${Object.entries(settings)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join("")}`;

interface Places extends AwsFilePaths {
  readonly store: string;
  readonly keychain: string;
  readonly authenticator: string;
}

function buildVariables(files: Places, url: string, env: Environment): Variables {
  const set = {
    AWS_SHARED_CREDENTIALS_FILE: files.credentials,
    AWS_CONFIG_FILE: files.config,
    AWS_ENDPOINT_URL: url,
    AWS_EC2_METADATA_DISABLED: "true",
    FOB_HOME: files.store,
    // A file: the user's own keychain is out of reach, and nothing is left behind in it.
    FOB_KEYCHAIN: files.keychain,
    [authenticatorVariable]: files.authenticator,
    ...bypassProxy(new URL(url).hostname, env),
  };
  const unset = Object.keys(env).filter((name) => isAboutAws(name) && !(name in set));
  return { set, unset, unsetPrefix: "AWS_" };
}

/** Where a proxy is set, requests to this host go around it. Some tools read the one variable, some the other. */
function bypassProxy(host: string, env: Environment): Readonly<Record<string, string>> {
  const hasProxy = Object.entries(env).some(([name, value]) => /^(https?|all)_proxy$/i.test(name) && value);
  if (!hasProxy) return {};
  const names = [env.no_proxy ?? env.NO_PROXY, host].filter(Boolean).join(",");
  return { no_proxy: names, NO_PROXY: names };
}
