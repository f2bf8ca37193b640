// Where the journal of an account's rollout is.
import { getAwsFilePaths } from "../../../profiles/paths.ts";
import { getStoreFolder } from "../../../store/paths.ts";
import type { Context } from "../../context.ts";

export function locateJournal(
  account: string,
  { env, home }: Context,
): { readonly store: string; readonly name: string } {
  return { store: getStoreFolder(env, getAwsFilePaths(env, home).credentials), name: `rollout-${account}` };
}
