// The XML in which AWS's query services answer.
import type { Credential, Session } from "./account.ts";
import type { AwsError } from "./errors.ts";

/** Text as XML content. Characters that XML 1.0 cannot hold at all become U+FFFD. */
function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "\ufffd")
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  );
}

/** `<Name>text</Name>`. */
export function writeElement(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** Temporary credentials, as STS hands them out. */
export function writeCredentials({ accessKeyId, secretAccessKey, session }: Credential & { session: Session }): string {
  const credentials = [
    writeElement("AccessKeyId", accessKeyId),
    writeElement("SecretAccessKey", secretAccessKey),
    writeElement("SessionToken", session.token),
    writeElement("Expiration", new Date(session.expiresMs).toISOString().replace(".000Z", "Z")),
  ];
  return `<Credentials>${credentials.join("")}</Credentials>`;
}

/** The answer of an action of the AWS query protocol; `result` is the XML of its members. */
export function writeQueryResponse(action: string, namespace: string, result: string, requestId: string): string {
  return (
    `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result>` +
    `<ResponseMetadata>${writeElement("RequestId", requestId)}</ResponseMetadata></${action}Response>\n`
  );
}

/** An error of the AWS query protocol. */
export function writeQueryError(error: AwsError, namespace: string, requestId: string): string {
  const type = error.status < 500 ? "Sender" : "Receiver";
  const content =
    writeElement("Type", type) + writeElement("Code", error.code) + writeElement("Message", error.message);
  const id = writeElement("RequestId", requestId);
  return `<ErrorResponse xmlns="${namespace}"><Error>${content}</Error>${id}</ErrorResponse>\n`;
}

/** An error of S3, which has a form of its own. */
export function writeS3Error(error: AwsError, requestId: string): string {
  const content = writeElement("Code", error.code) + writeElement("Message", error.message);
  const id = writeElement("RequestId", requestId);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}${id}</Error>`;
}
