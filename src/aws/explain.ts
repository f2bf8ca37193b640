// Failures of calls in plain words: one list, used for every call.
import { FobError } from "../errors.ts";
import { escapeControlCharacters } from "../text.ts";
import { AwsFailure, type CallContext, NoAnswer, TransportError } from "./failures.ts";
import { explainTransport } from "./network-failures.ts";
import { describeEndpoint, explainAnswer } from "./service-failures.ts";

/** Puts what a call has thrown into words. Errors that are in words already stay as they are. */
export function explainFailure(error: unknown, context: CallContext): FobError {
  if (error instanceof FobError) return error;
  if (error instanceof TransportError) return explainTransport(error, context);
  if (error instanceof NoAnswer) {
    const text = `no answer from ${describeEndpoint(context)} within ${error.limit / 1000} s`;
    return new AwsFailure("no answer", text, "check the network connection", error);
  }
  return explainAnswer(error, context) ?? explainUnknown(error, context);
}

function explainUnknown(error: unknown, context: CallContext): AwsFailure {
  const message = escapeControlCharacters(error instanceof Error ? error.message : String(error));
  const hint = "for details: fob login --debug";
  return new AwsFailure("no answer", `the request to ${describeEndpoint(context)} failed: ${message}`, hint, error);
}
