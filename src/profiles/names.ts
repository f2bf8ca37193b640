// Names of profiles.

/**
 * A name that every program finds in the credentials file. White space, quotes and brackets part the readers; `DEFAULT`
 * and `__proto__` mean something else to some of them. (In the config, the SDK for JavaScript reads only names of ASCII
 * letters, digits and `-@+.%:/_`: for any other the region is not found there, and has to come from elsewhere.)
 */
export function isPortableName(profile: string): boolean {
  return /^[\p{L}\p{N}_@+.%:/,~=-]+$/u.test(profile) && profile !== "DEFAULT" && profile !== "__proto__";
}

/** A portable name of ASCII letters, digits and `. _ -`, for a new profile. A name that begins with `-` would be an option. */
export const isNewName = (profile: string): boolean =>
  /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(profile) && isPortableName(profile);
