// What a policy as a whole leaves open without MFA, by the means of `fob policy simulate`: a statement is at fault only
// for what no other statement denies.
import {
  type CoverageContext,
  findCoverage,
  intersectAll,
  type RequestSet,
  testOneCondition,
  testStatement,
} from "../coverage.ts";
import { ofEveryUser, withoutViaService, withTls } from "../direct-requests.ts";
import { classify, isEnforced as isAllEnforced, withoutIdentity } from "../enforced.ts";
import { ABSENT, type RequestContext, type Truth } from "../engine/evaluate.ts";
import type { Entry, ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import { mergeContexts, type Subject } from "../engine/subject.ts";
import { isNeeded, isTolerated } from "../tolerated.ts";
import { findActions, guessConditionKey, guessSureAction } from "./known.ts";

/**
 * The callers that the keys about MFA distinguish: requests with an access key have neither key; requests in a session
 * without MFA, such as a console session, have the first key with the value false.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 */
export const callers = {
  key: { "aws:MultiFactorAuthPresent": ABSENT, "aws:MultiFactorAuthAge": ABSENT },
  session: { "aws:MultiFactorAuthPresent": "false", "aws:MultiFactorAuthAge": ABSENT },
  withMfa: { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "1" },
  withOldMfa: { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "4000000000" },
} as const satisfies Readonly<Record<string, RequestContext>>;
export type Caller = keyof typeof callers;

export const callersWithoutMfa = ["key", "session"] as const satisfies readonly Caller[];

export class Whole {
  readonly #statements: readonly ParsedStatement[];
  readonly #user: RequestContext;
  readonly #open = new Map<string, readonly RequestSet[]>();

  /** @param user an example, for resources with variables */
  constructor(statements: readonly ParsedStatement[], user: Subject) {
    this.#statements = statements.map(readIntended);
    this.#user = { ...user.context, ...ofEveryUser, "aws:ViaAWSService": "false" };
  }

  /**
   * Finds what is not denied to a caller, of some requests.
   *
   * @param given conditions that the requests meet
   */
  findOpen(of: readonly RequestSet[], caller: Caller, given: readonly ParsedCondition[] = []): readonly RequestSet[] {
    return intersectAll(this.#listOpen(caller, given), of);
  }

  #listOpen(caller: Caller, given: readonly ParsedCondition[]): readonly RequestSet[] {
    const met = new Set(given.map(readIntendedKey).map(describeCondition));
    const key = JSON.stringify([caller, [...met].sort()]);
    let open = this.#open.get(key);
    if (open === undefined) {
      const statements = this.#statements.map((statement) => ({
        ...statement,
        conditions: statement.conditions.filter((condition) => !met.has(describeCondition(condition))),
      }));
      ({ open } = findCoverage(statements, undefined, this.#contextOf(caller)));
      this.#open.set(key, open);
    }
    return open;
  }

  /** Whether a caller can do nothing but what users need to set up MFA, and what does no harm. */
  isEnforcedFor(caller: Caller): boolean {
    return isAllEnforced(classify(this.#listOpen(caller, [])));
  }

  /** Whether requests to IAM of a caller, who may be any user, meet all conditions of a statement. */
  test(statement: ParsedStatement, caller: Caller): Truth {
    return testStatement(readIntended(statement), { ...this.#contextOf(caller).conditions, ...withTls });
  }

  /**
   * Whether all requests of a caller, who may be any user, meet a condition.
   *
   * @param ofAllServices also of those whose requests do not have aws:ViaAWSService
   */
  isMet(condition: ParsedCondition, caller: Caller, ofAllServices = true): boolean {
    const { conditions } = this.#contextOf(caller);
    const contexts = ofAllServices ? [conditions, withoutViaService(conditions)] : [conditions];
    return contexts.every((context) => testOneCondition(readIntendedKey(condition), context) === true);
  }

  /** The context for the resources of statements. */
  get user(): RequestContext {
    return this.#user;
  }

  #contextOf(caller: Caller): CoverageContext {
    const keys = mergeContexts(this.#user, callers[caller]);
    return { conditions: withoutIdentity(keys), resources: keys };
  }
}

/** Whether open requests are only those that users need to set up MFA, or that do no harm. */
export const isHarmless = (open: readonly RequestSet[]): boolean => isAllEnforced(classify(open));

/** Reads a statement as it is meant: other rules report typos. */
function readIntended(statement: ParsedStatement): ParsedStatement {
  return {
    ...statement,
    effect: /^deny$/i.test(String(statement.effect)) ? "Deny" : statement.effect,
    actions: statement.actions.map(readIntendedAction),
    conditions: statement.conditions.map(readIntendedKey),
  };
}

function readIntendedAction(entry: Entry): Entry {
  if (findActions(entry.text).length > 0) return entry;
  const meant = guessSureAction(entry.text);
  // Any other typo is to be removed, not corrected.
  return meant !== undefined && (isNeeded(meant) || isTolerated(meant)) ? { ...entry, text: meant } : entry;
}

function readIntendedKey(condition: ParsedCondition): ParsedCondition {
  return { ...condition, lowerKey: guessConditionKey(condition.key) };
}

/** The same text for conditions that are met by the same requests. */
function describeCondition({ name, lowerKey, values }: ParsedCondition): string {
  return JSON.stringify([name, lowerKey, values.map(({ text }) => text.toLowerCase()).sort()]);
}
