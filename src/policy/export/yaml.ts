// Writes YAML for CloudFormation and AWS Config.

/**
 * Formats a mapping as YAML, in blocks, with every string in double quotes: JSON's strings are strings of YAML too, and
 * none of them becomes a date, a number or a boolean.
 *
 * @param mapping values of JSON
 * @returns lines that each end with a line feed
 */
export function formatYaml(mapping: object): string {
  return listLines(mapping)
    .map((line) => `${line}\n`)
    .join("");
}

/** The lines of a value, without an indent; a scalar or an empty value has one line. */
function listLines(value: unknown): readonly string[] {
  if (!isBlock(value)) return [JSON.stringify(value)];
  if (Array.isArray(value)) {
    return value.flatMap((item) => listLines(item).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`)));
  }
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
    isBlock(each)
      ? [`${formatKey(key)}:`, ...listLines(each).map((line) => `  ${line}`)]
      : [`${formatKey(key)}: ${JSON.stringify(each)}`],
  );
}

const isBlock = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0;

/** Words such as `Null`, a condition operator of IAM, are no strings without quotes. */
const formatKey = (key: string): string =>
  /^[A-Za-z]\w*$/.test(key) && !/^(null|true|false|yes|no|on|off|y|n)$/i.test(key) ? key : JSON.stringify(key);
