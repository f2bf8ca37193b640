// Amazon S3, with a single call: an everyday one that the enforcement policy denies without MFA.

import type { Account, Credential } from "./account.ts";
import { notModeled } from "./errors.ts";
import { writeElement } from "./xml.ts";

/** Finds the action of a request; throws NotImplemented for anything except ListBuckets. */
export function findS3Action(method: string, path: string, query: ReadonlyMap<string, string>): "ListBuckets" {
  // The SDK for JavaScript marks its requests with `x-id`, which S3 ignores.
  const other = [...query.keys()].find((name) => name !== "x-id");
  if (method !== "GET" || path !== "/") throw notModeled("requests to S3 other than ListBuckets");
  if (other !== undefined) throw notModeled(`the parameter ${other} of s3:ListBuckets`);
  return "ListBuckets";
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html; the permission is `s3:ListAllMyBuckets`. */
export function listBuckets(account: Account, caller: Credential, buckets: readonly string[]): string {
  account.authorize(caller, "s3:ListAllMyBuckets", `arn:${account.partition}:s3:::*`);
  const created = writeElement("CreationDate", "2026-01-01T00:00:00.000Z");
  const list = buckets.map((name) => `<Bucket>${writeElement("Name", name)}${created}</Bucket>`);
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Owner>${writeElement("ID", account.id)}</Owner><Buckets>${list.join("")}</Buckets></ListAllMyBucketsResult>`
  );
}
