// The account that an access key ID tells.

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * The number of the account that an access key ID of AWS's seems to be of; undefined for an ID that tells none. AWS does
 * not document it, so it is fit to be shown, and for nothing else.
 *
 * After its four letters an ID is 80 bits in base32. IDs that AWS issues since about 2019 begin with a 1, and the number
 * follows in 40 bits: https://labs.withsecure.com/publications/a-bitwise-analysis-of-aws-access-key-identifiers.html.
 * Older ones (`AKIAI…`, `AKIAJ…`) begin with a 0 and tell no account.
 */
export function guessAccount(accessKeyId: string): string | undefined {
  const [, first] = /^A[KS]IA([Q-Z2-7][A-Z2-7]{8})[A-Z2-7]{7}$/.exec(accessKeyId) ?? [];
  if (first === undefined) return undefined;
  // 45 bits: that 1, the number, and four more.
  const bits = Array.from(first).reduce((sum, letter) => sum * 32 + letters.indexOf(letter), 0);
  const account = Math.floor((bits - 2 ** 44) / 16);
  // Keys of other services have the form sometimes; the first account that there can be is 1.
  return account > 0 && account < 10 ** 12 ? String(account).padStart(12, "0") : undefined;
}
