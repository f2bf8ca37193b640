// Look-ups about many users, a few at the same time: AWS throttles callers that ask for more.
const AT_ONCE = 8;

/** Maps a list, in order. */
export async function inTurns<T, U>(items: readonly T[], map: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(map))));
  }
  return results;
}
