// What an access key looks like, before it is sent: the id goes over the wire as it is, so a secret in its place would too.

import { looksLikeKeyId, looksLikeSecret } from "../aws/secrets.ts";
import type { Credentials } from "../aws/types.ts";
import { FobError } from "../errors.ts";

/**
 * Returns the access key. Other services that speak AWS's language have keys of other lengths and letters.
 *
 * @param owner whose it is, for messages: `"work"`
 * @param again the command with which it is entered again
 * @throws FobError for what no access key looks like; the message holds no part of it
 */
export function checkKeyShape(key: Credentials, owner: string, again: string): Credentials {
  const { accessKeyId: id, secretAccessKey: secret } = key;
  const refuse = (problem: string, hint = `enter it again: ${again}`): never => {
    throw new FobError(problem, hint);
  };
  for (const [name, text] of [
    ["access key ID", id],
    ["secret access key", secret],
  ] as const) {
    if (/^["'“”‘’]|["'“”‘’]$/.test(text))
      refuse(`the ${name} of ${owner} has quotes around it`, `enter it again without the quotes: ${again}`);
    if (/^\s|\s$/.test(text)) refuse(`the ${name} of ${owner} has a space before or after it`);
    if (/\s/.test(text)) refuse(`the ${name} of ${owner} contains a space`);
    if (!/^[!-~]*$/.test(text)) refuse(`the ${name} of ${owner} contains a character that access keys never have`);
  }
  if (!looksLikeKeyId(id) && looksLikeKeyId(secret)) {
    refuse(`the access key ID and the secret access key of ${owner} are swapped`, again);
  }
  if (looksLikeKeyId(id) && id.startsWith("AKIA") && looksLikeKeyId(secret)) {
    refuse(`the secret access key of ${owner} looks like an access key ID`);
  }
  if (looksLikeSecret(id)) refuse(`the access key ID of ${owner} looks like a secret access key`);
  if (/^AKIA[A-Z0-9]{0,15}$/.test(id)) {
    refuse(`the access key ID of ${owner} is cut off: it has ${id.length} characters instead of ${ID_LENGTH}`);
  }
  const isOfAws = id.startsWith("AKIA") && id.length === ID_LENGTH;
  if (isOfAws && secret.length !== SECRET_LENGTH) {
    const how = secret.length < SECRET_LENGTH ? "is cut off" : "is too long";
    refuse(`the secret access key of ${owner} ${how}: it has ${secret.length} characters instead of ${SECRET_LENGTH}`);
  }
  return key;
}

/** Characters of an AWS access key's id, and of its secret. */
const [ID_LENGTH, SECRET_LENGTH] = [20, 40];
