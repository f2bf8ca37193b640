// Tables as CSV: https://datatracker.ietf.org/doc/html/rfc4180

/** Writes rows. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function formatCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(formatCell).join(",")}\r\n`).join("");
}

/**
 * With characters of full width, which some spreadsheets take for the others. In some languages Excel also splits at
 * semicolons, and takes no notice of the quotes then. https://owasp.org/www-community/attacks/CSV_Injection
 */
function formatCell(text: string): string {
  const safe = text.replace(/(^\s*|[;\t]\s*)(?=[=+\-@\t\r\n＝＋－＠])/g, "$1'");
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
