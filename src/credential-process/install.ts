// Putting a session profile into process mode: programs get its credentials from fob, not from the credentials file.
import { findCustomEndpointHost } from "../aws/endpoints.ts";
import { assertEditable } from "../files/edit.ts";
import { readAwsFiles } from "../profiles/files.ts";
import type { SessionContext } from "../session/context.ts";
import { findMatching, resolve, resolveFromFilesOnly } from "../session/resolve.ts";
import {
  assertTarget,
  removeTemporaryKeys,
  writeCredentialProcess,
  writeSessionProfile,
} from "../session/session-profile.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import { addCopies, settingsToCopy } from "../session/source-settings.ts";
import { readSession } from "../store/read.ts";
import type { Session } from "../store/session.ts";
import { waitingFor } from "../store/under-lock.ts";
import { formatCredentialProcess } from "./config-line.ts";
import type { Installation } from "./launcher.ts";
import { installLauncher } from "./write-launcher.ts";

/**
 * @param request.endpointUrl "" for the endpoint that is configured
 * @returns the session profile
 * @throws FobError where the profile holds what is not fob's; then nothing has changed
 */
export async function install(
  request: { readonly profile: string; readonly endpointUrl: string; readonly region: string | undefined },
  context: SessionContext,
  installation: Installation,
): Promise<string> {
  const { store, now } = context;
  const resolution = resolve({ ...request, isRenewal: true }, takeSnapshot(context), context);
  const { pair, settings } = resolution;
  const { files } = resolution.snapshot;
  const endpoint = findCustomEndpointHost(settings.endpoints.sts) === undefined ? undefined : settings.endpoints.sts;
  const line = formatCredentialProcess(installation, pair.session, endpoint);
  const copiedBefore = readSession(store, pair.session)?.copiedSettings;
  const target = () => ({
    replaceLongTerm: false,
    previous: readSession(store, pair.session),
    copies: copiedBefore,
    now: now(),
    isOnlyOwn: true,
    formatLogin: resolution.formatLogin,
  });
  assertTarget(pair, files, target());
  assertEditable(files.config.path);
  await store.locked(pair.session, waitingFor(pair.session, context), async () => {
    if (process.platform !== "win32") installLauncher(installation);
    // First the new way, then the old one goes: in between programs find the keys.
    await writeCredentialProcess(pair, line, context, target());
    const session = readSession(store, pair.session);
    if (!session) {
      await removeTemporaryKeys(pair.session, context);
      return;
    }
    const undisputed = resolveFromFilesOnly(pair.session, takeSnapshot(context), context);
    const isRight = undisputed !== undefined && findMatching(undisputed, store) !== undefined;
    const served: Session = {
      ...session,
      isEnvironmentIndependent: session.source.from === "profile" && isRight,
      installedFor: endpoint ?? "",
      // writeCredentialProcess has copied them.
      copiedSettings: addCopies(session.copiedSettings, settingsToCopy(pair, files, copiedBefore)),
    };
    store.save(served);
    await writeSessionProfile(served, pair, readAwsFiles(context.paths), context, target());
  });
  return pair.session;
}
