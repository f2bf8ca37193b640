// Which session the stored credentials of a role belong to.
import type { Stored } from "../store/read.ts";

/** The session profile whose credentials a role was assumed with: one of its source's. */
export function findSessionOfRole(role: Stored, sessions: readonly Stored[]): string | undefined {
  const sourceOf = (stored: Stored) => (stored.state === "readable" ? stored.session.source.profile : undefined);
  const by = role.state === "readable" ? role.session.roles[0]?.sourceProfile : undefined;
  const own = sessions.filter((session) => sourceOf(session) !== undefined && sourceOf(session) === sourceOf(role));
  return (own.find(({ profile }) => profile === by) ?? own[0])?.profile;
}
