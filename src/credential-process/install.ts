// Putting a session profile into process mode: programs get its credentials from fob, not from the credentials file.
import { foreignHost } from "../aws/endpoints.ts";
import { assertReplaceable, realFile } from "../files/replace.ts";
import type { LoginTools } from "../session/login.ts";
import { findMatching, planOf, undisputedPlan } from "../session/resolve.ts";
import { assertTarget, publish, publishProcess, unpublishKeys } from "../session/session-profile.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import { settingsToCopy } from "../session/source-settings.ts";
import { readSession } from "../store/read.ts";
import { waitingFor } from "../store/under-lock.ts";
import { credentialProcessLine } from "./config-line.ts";
import type { Installation } from "./launcher.ts";
import { installLauncher } from "./write-launcher.ts";

/**
 * @param request.endpointUrl "" for the endpoint that is configured
 * @returns the session profile
 * @throws FobError where the profile holds what is not fob's; then nothing has changed
 */
export async function install(
  request: { readonly profile: string; readonly endpointUrl: string; readonly region: string | undefined },
  tools: LoginTools,
  installation: Installation,
): Promise<string> {
  const { store, now } = tools;
  const plan = planOf({ ...request, isRenewal: true }, takeSnapshot(tools), tools);
  const { link, settings } = plan;
  const { files } = plan.snapshot;
  const endpoint = foreignHost(settings.endpoints.sts) === undefined ? undefined : settings.endpoints.sts;
  const line = credentialProcessLine(installation, link.session, endpoint);
  const target = () => ({
    replaceLongTerm: false,
    previous: readSession(store, link.session),
    now: now(),
    isOnlyOwn: true,
    takesOver: true,
  });
  assertTarget(link, files, target());
  assertReplaceable(realFile(files.config.path));
  await store.locked(link.session, waitingFor(link.session, tools), async () => {
    if (process.platform !== "win32") installLauncher(installation);
    // First the new way, then the old one goes: in between programs find the keys.
    await publishProcess(link, line, tools, target());
    const session = readSession(store, link.session);
    if (!session) {
      await unpublishKeys(link.session, tools);
      return;
    }
    const undisputed = undisputedPlan(link.session, takeSnapshot(tools), tools);
    const isRight = undisputed !== undefined && findMatching(undisputed, store) !== undefined;
    const served = {
      ...session,
      isForAnyEnvironment: session.source.from === "profile" && isRight,
      installedFor: endpoint ?? "",
      // publishProcess has copied them.
      copiedSettings: { ...session.copiedSettings, ...settingsToCopy(link, files) },
    };
    store.save(served);
    await publish(served, link, tools, target());
  });
  return link.session;
}
