// Signs a user of a running `fob sandbox` in to the console, with all that the user has: the password, the device's code or
// a touch of the security key, and a new password if one is required.
import { randomBytes } from "node:crypto";
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";
import { type Authenticator, findUser, readCode } from "./authenticator.ts";
import type { SignInAnswer } from "./sign-in.ts";

/**
 * Fills in the sign-in page.
 *
 * @param now ms since 1970
 * @throws FobError if the console does not let the user in
 */
export async function signInUser(
  authenticator: Authenticator,
  userName: string,
  now: number,
  signal: AbortSignal,
): Promise<{ readonly mfaUsed: boolean; readonly passwordChanged: boolean }> {
  const { name, password, devices } = findUser(authenticator.users, userName, "sandbox sign-in");
  if (password === null) {
    const others = authenticator.users.filter((user) => user.password !== null).map((user) => user.name);
    throw new FobError(`${quote(name)} has no console password`, `users with one: ${others.join(", ")}`);
  }
  const body = new URLSearchParams({
    ...{ UserName: name, Password: password, TouchesKey: "true" },
    ...{ NewPassword: `${randomBytes(12).toString("base64url")}-Aa1` },
    ...(devices.length === 0 ? {} : { Code: readCode(authenticator, name, undefined, now).code }),
  });
  const response = await fetch(new URL("/sign-in", authenticator.url), { method: "POST", body, signal });
  const answer = (await response.json()) as SignInAnswer;
  const { page, message = "", mfaUsed = false, passwordChanged = false } = answer;
  if (page === "console") return { mfaUsed, passwordChanged };
  throw page === "new-password"
    ? new FobError(`${quote(name)} must change the password first, and the console answers: ${message}`, [
        `show which policies decide: fob policy simulate --account --user ${name} --action iam:ChangePassword --context aws:MultiFactorAuthPresent=false`,
      ])
    : new FobError(`the console does not sign ${quote(name)} in: ${message}`, [
        ...(page === "mfa" ? ["each code is accepted once; a new one appears every 30 seconds"] : []),
      ]);
}
