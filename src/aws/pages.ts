// Listings that come in pages.
import { FobError } from "../errors.ts";

/** No listing about one user has that many. */
const MOST_PAGES = 100;

/** All items of a listing. @param next its page for a marker, undefined for the first @throws FobError for one without an end */
export async function readPages<T>(
  next: (marker: string | undefined) => Promise<{ items: readonly T[]; marker: string | undefined }>,
  mostPages = MOST_PAGES,
): Promise<T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  for (let page = 1; page <= mostPages; page++) {
    const answer = await next(marker);
    all.push(...answer.items);
    ({ marker } = answer);
    // Not only absent: AWS's stand-ins end with null, or an empty text.
    if (!marker) return all;
  }
  throw new FobError(
    `AWS's answer has more than ${mostPages} pages, so fob stopped reading`,
    "check the endpoint: env | grep AWS_ENDPOINT_URL",
  );
}
