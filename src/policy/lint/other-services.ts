// The actions of some other services, to check their spelling. The list ages, so no verdict follows from it: an action that
// it does not have may be newer. `npm run update-iam-actions` updates it.
import { matches, parsePattern } from "../engine/wildcard.ts";
import { type Guess, guessAmong, splitAction } from "./known.ts";
import data from "./other-actions.json";

/** The date of the list. */
export const otherUpdated = data.from.updated;

const services: Readonly<Record<string, string>> = data.services;

/**
 * Operations of the API whose action has another name:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html
 */
const operations: Readonly<Record<string, string>> = {
  "s3:completemultipartupload": "s3:PutObject",
  "s3:copyobject": "s3:PutObject",
  "s3:createmultipartupload": "s3:PutObject",
  "s3:deletebucketcors": "s3:PutBucketCORS",
  "s3:deletebucketencryption": "s3:PutEncryptionConfiguration",
  "s3:deletebucketlifecycle": "s3:PutLifecycleConfiguration",
  "s3:deletebucketownershipcontrols": "s3:PutBucketOwnershipControls",
  "s3:deletebucketreplication": "s3:PutReplicationConfiguration",
  "s3:deletebuckettagging": "s3:PutBucketTagging",
  "s3:deleteobjects": "s3:DeleteObject",
  "s3:getbucketaccelerateconfiguration": "s3:GetAccelerateConfiguration",
  "s3:getbucketencryption": "s3:GetEncryptionConfiguration",
  "s3:getbucketlifecycle": "s3:GetLifecycleConfiguration",
  "s3:getbucketlifecycleconfiguration": "s3:GetLifecycleConfiguration",
  "s3:getbucketnotificationconfiguration": "s3:GetBucketNotification",
  "s3:getbucketreplication": "s3:GetReplicationConfiguration",
  "s3:getobjectlockconfiguration": "s3:GetBucketObjectLockConfiguration",
  "s3:getpublicaccessblock": "s3:GetBucketPublicAccessBlock",
  "s3:headbucket": "s3:ListBucket",
  "s3:headobject": "s3:GetObject",
  "s3:listbuckets": "s3:ListAllMyBuckets",
  "s3:listmultipartuploads": "s3:ListBucketMultipartUploads",
  "s3:listobjectversions": "s3:ListBucketVersions",
  "s3:listobjects": "s3:ListBucket",
  "s3:listobjectsv2": "s3:ListBucket",
  "s3:listparts": "s3:ListMultipartUploadParts",
  "s3:putbucketaccelerateconfiguration": "s3:PutAccelerateConfiguration",
  "s3:putbucketencryption": "s3:PutEncryptionConfiguration",
  "s3:putbucketlifecycle": "s3:PutLifecycleConfiguration",
  "s3:putbucketlifecycleconfiguration": "s3:PutLifecycleConfiguration",
  "s3:putbucketnotificationconfiguration": "s3:PutBucketNotification",
  "s3:putbucketreplication": "s3:PutReplicationConfiguration",
  "s3:putobjectlockconfiguration": "s3:PutBucketObjectLockConfiguration",
  "s3:putpublicaccessblock": "s3:PutBucketPublicAccessBlock",
  "s3:uploadpart": "s3:PutObject",
  "s3:uploadpartcopy": "s3:PutObject",
};

/** What the list says about an action or a pattern. */
export interface Listed {
  readonly service: string;
  /** Whether the list has it. */
  readonly isListed: boolean;
  /** The action that was probably meant, if it is not in the list. */
  readonly meant: Guess | undefined;
}

/** Looks up an action or a pattern; undefined if fob has no list for its service. */
export function lookUpAction(text: string): Listed | undefined {
  const { service = "", action = "" } = splitAction(text) ?? {};
  const list = Object.hasOwn(services, service) ? services[service] : undefined;
  if (list === undefined) return undefined;
  const pattern = parsePattern(action.toLowerCase());
  const names = list.split(" ");
  if (names.some((name) => matches(pattern, name.toLowerCase()))) {
    return { service, isListed: true, meant: undefined };
  }
  return { service, isListed: false, meant: /[*?]/.test(action) ? undefined : guessMeant(text, service, names) };
}

function guessMeant(text: string, service: string, names: readonly string[]): Guess | undefined {
  const operation = operations[text.toLowerCase()];
  if (operation !== undefined) return { name: operation, isSure: true };
  return guessAmong(
    text,
    names.map((name) => `${service}:${name}`),
  );
}
