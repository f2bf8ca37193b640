// Formats texts for messages.

/** Quotes a text of the policy, shortened to fit on a line. */
export function quoteText(text: string): string {
  return JSON.stringify(text.length <= 100 ? text : `${text.slice(0, 99)}…`);
}

/** Joins items as `a, b and c`, and shortens long lists. */
export function joinList(items: readonly string[], most = 4): string {
  if (items.length > most) return `${items.slice(0, most - 1).join(", ")} and ${items.length - most + 1} more`;
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
