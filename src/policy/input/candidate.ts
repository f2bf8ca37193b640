// What a form of input says about a policy in it.
import type { Path } from "../engine/json.ts";
import type { Kind, Unknown } from "../lint/lint.ts";

/** Where a policy is in a file, and what is known about it. */
export interface Candidate {
  /** Where the document is: an object, or a text with JSON in it. */
  readonly path: Path;
  /** Why there is nothing there. Without a reason, a missing document is no policy. */
  readonly absent?: Unknown;
  /** For messages: `group RequireMFA, policy enforce-mfa`. */
  readonly name: string;
  /** Whom it applies to, as far as the file says so: `user alice`. */
  readonly of?: readonly string[];
  readonly kind?: Kind | undefined;
  /** AWS owns it, and only AWS can change it. */
  readonly isAwsManaged?: boolean;
  /** The text has CloudFormation's functions in it. */
  readonly hasFunctions?: boolean;
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown, otherwise = "?"): string => (typeof value === "string" ? value : otherwise);

/** A policy that applies to roles only is a role's policy. */
export function findKind(of: readonly string[]): Kind | undefined {
  return of.length > 0 && of.every((name) => name.startsWith("role ")) ? "role" : undefined;
}

export const findOrganizationsKind = (type: unknown): Kind | undefined =>
  type === "SERVICE_CONTROL_POLICY" ? "scp" : undefined;
