// Tests what AWS's documentation says about policies, page by page. Each group of vectors quotes the sentence it tests.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { PolicyDocument, RequestContext } from "../../src/policy/engine/evaluate.ts";
import { evaluate, PolicyError, parsePolicy } from "../../src/policy/engine/evaluate.ts";

interface Group {
  says: string;
  policies: unknown[];
  boundary?: unknown;
  cases: {
    action: string;
    resource: string;
    context: RequestContext;
    decision: string;
    why?: string;
    passwordPolicyAllowsChange?: boolean;
  }[];
}

interface Page {
  page: string;
  groups?: Group[];
  malformed?: { says: string; policy: unknown }[];
}

const { principal, pages } = JSON.parse(readFileSync(new URL("aws-documentation.json", import.meta.url), "utf8")) as {
  principal: string;
  pages: Page[];
};

test("the file has all vectors", () => {
  expect(pages.length).toBeGreaterThanOrEqual(80);
  expect(new Set(pages.map(({ page }) => page)).size).toBe(pages.length);
  expect(pages.flatMap(({ groups = [] }) => groups.flatMap(({ cases }) => cases)).length).toBeGreaterThanOrEqual(800);
});

describe.each(pages)("$page", ({ groups = [], malformed = [] }) => {
  test.each(groups)("$says", ({ policies, boundary, cases }) => {
    const documents = policies.map(parsePolicy);
    for (const { decision, passwordPolicyAllowsChange, ...request } of cases) {
      const evaluation = evaluate(documents, request, {
        boundary: boundary === undefined ? undefined : (boundary as PolicyDocument),
        mayChangePassword: passwordPolicyAllowsChange ? principal : undefined,
      });
      expect({ ...request, decision: evaluation.decision }).toEqual({ ...request, decision });
    }
  });

  test.each(malformed)("rejects: $says", ({ policy }) => {
    expect(() => parsePolicy(policy)).toThrow(PolicyError);
  });
});
