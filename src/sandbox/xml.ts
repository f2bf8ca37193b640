// Writes the XML responses of AWS's query services.
import type { Credential, Session } from "./account.ts";
import type { AwsError } from "./errors.ts";

/** Escapes text as XML content. Characters that XML 1.0 does not allow become U+FFFD. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "\ufffd")
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  );
}

/** Writes `<Name>text</Name>`. */
export function writeElement(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** Writes a time (ms since 1970) as IAM does, in whole seconds. */
export const writeTime = (name: string, ms: number): string => writeElement(name, formatTime(ms));

export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Writes a list with a member for each item; `write` returns the XML in the member. */
export function writeList<T>(name: string, items: Iterable<T>, write: (item: T) => string): string {
  return `<${name}>${[...items].map((item) => `<member>${write(item)}</member>`).join("")}</${name}>`;
}

/** Writes temporary credentials like STS. */
export function writeCredentials({ accessKeyId, secretAccessKey, session }: Credential & { session: Session }): string {
  const credentials = [
    writeElement("AccessKeyId", accessKeyId),
    writeElement("SecretAccessKey", secretAccessKey),
    writeElement("SessionToken", session.token),
    writeTime("Expiration", session.expiresMs),
  ];
  return `<Credentials>${credentials.join("")}</Credentials>`;
}

/** Writes the response of an action; `result` is the XML of its members, or empty for an action that returns nothing. */
export function writeQueryResponse(action: string, namespace: string, result: string, requestId: string): string {
  return (
    `<${action}Response xmlns="${namespace}">${result === "" ? "" : `<${action}Result>${result}</${action}Result>`}` +
    `<ResponseMetadata>${writeElement("RequestId", requestId)}</ResponseMetadata></${action}Response>\n`
  );
}

/** Writes an error of the AWS query protocol. */
export function writeQueryError(error: AwsError, namespace: string, requestId: string): string {
  const type = error.status < 500 ? "Sender" : "Receiver";
  const content =
    writeElement("Type", type) + writeElement("Code", error.code) + writeElement("Message", error.message);
  const id = writeElement("RequestId", requestId);
  return `<ErrorResponse xmlns="${namespace}"><Error>${content}</Error>${id}</ErrorResponse>\n`;
}

/** Writes an error of S3, which has its own format. */
export function writeS3Error(error: AwsError, requestId: string): string {
  const content = writeElement("Code", error.code) + writeElement("Message", error.message);
  const id = writeElement("RequestId", requestId);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}${id}</Error>`;
}
