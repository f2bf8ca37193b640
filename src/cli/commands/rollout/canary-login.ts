// `fob login` of the canary's test user: the same code, with AWS files and a session store of its own. The administrator's
// are neither read nor written.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Access } from "../../../aws/connection.ts";
import type { Credentials } from "../../../aws/types.ts";
import { createStdinProvider } from "../../../codes/sources.ts";
import type { Environment } from "../../../environment-variables.ts";
import { FobError } from "../../../errors.ts";
import { ensureFolder } from "../../../files/create.ts";
import { getProperty, readAwsFiles } from "../../../profiles/files.ts";
import { login } from "../../../session/login.ts";
import { resolve } from "../../../session/resolve.ts";
import { takeSnapshot } from "../../../session/snapshot.ts";
import { ensureStoreFolder } from "../../../store/folder.ts";
import { readSession } from "../../../store/read.ts";
import type { Context } from "../../context.ts";
import { createSessionContext } from "../../session-context.ts";

/**
 * Logs in with a code, as `fob login canary --source-env --duration 15m --code-stdin` does: the access key is not written.
 *
 * @param folder for the test user's files; what is in it is removed first, and at the end
 * @returns the session, as programs find it in the profile that the login has written; it is in memory only then
 * @throws FobError
 */
export async function logInAsCanary(
  { key, code, folder }: { readonly key: Credentials; readonly code: string; readonly folder: string },
  access: Access,
  context: Context,
): Promise<Credentials> {
  removeFiles(folder);
  ensureFolder(folder);
  try {
    return await logInWithFiles({ key, code, folder }, access, context);
  } finally {
    // Before anything is asked: a run that is killed then leaves no credentials.
    removeFiles(folder);
  }
}

async function logInWithFiles(
  { key, code, folder }: { readonly key: Credentials; readonly code: string; readonly folder: string },
  access: Access,
  context: Context,
): Promise<Credentials> {
  const env = { ...describeAccess(access, context.env), ...describeKey(key) };
  const sessions = createSessionContext({ ...context, env, home: folder }, { noInput: true });
  const request = { profile: "canary", duration: "15m", region: access.region, fromEnvironment: true };
  const { session } = await login(
    resolve(request, takeSnapshot(sessions), sessions),
    { wish: 0, code: createStdinProvider(Readable.from([`${code}\n`])) },
    { ...sessions, note: context.say.debug },
  );
  const files = readAwsFiles(sessions.paths);
  const written = (name: string): string => getProperty(files, session.profile, name) ?? "";
  const found = {
    accessKeyId: written("aws_access_key_id"),
    secretAccessKey: written("aws_secret_access_key"),
    sessionToken: written("aws_session_token"),
  };
  const tracked = readSession(takeSnapshot(sessions).store, session.profile)?.credentials;
  if (tracked?.accessKeyId === found.accessKeyId && tracked.sessionToken === found.sessionToken) return found;
  throw new FobError("fob login did not write the session that it keeps to the profile");
}

/** Where the test user's files are: in the store, so that the next run finds what a killed one has left. @throws FobError */
export const locateFiles = (store: string, account: string): string =>
  join(ensureStoreFolder(store, "canary"), account);

export const removeFiles = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** How AWS is reached, in variables, whatever profile has told it. */
function describeAccess(
  { endpoints, usesGlobalSts, useFips, useDualstack, network }: Access,
  env: Environment,
): Environment {
  const others = Object.entries(env).filter(([name]) => !/^(AWS|FOB)_/.test(name));
  return {
    ...Object.fromEntries(others),
    AWS_ENDPOINT_URL_STS: endpoints.sts,
    AWS_ENDPOINT_URL_IAM: endpoints.iam,
    AWS_STS_REGIONAL_ENDPOINTS: usesGlobalSts ? "legacy" : undefined,
    AWS_USE_FIPS_ENDPOINT: String(useFips),
    AWS_USE_DUALSTACK_ENDPOINT: String(useDualstack),
    AWS_CA_BUNDLE: network.bundle?.path,
  };
}

const describeKey = ({ accessKeyId, secretAccessKey }: Credentials): Environment => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});
