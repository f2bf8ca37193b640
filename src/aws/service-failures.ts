// What AWS answers when it refuses a call, or what something answers that is not AWS: a table from its codes to words.

import { escapeControlCharacters, formatOption, maskKeyId, quote } from "../text.ts";
import { describeClock, setClock } from "./clock.ts";
import { AwsFailure, type CallContext, type Consequence, formatEnterKey } from "./failures.ts";
import { getDefaultRegion, getPartition } from "./partitions.ts";
import { looksLikeKeyId } from "./secrets.ts";

/** What is said of an answer, and what the user can do. */
interface Explanation {
  readonly consequence: Consequence;
  readonly text: (answer: Answer) => string;
  readonly hints: (answer: Answer) => string | readonly string[];
}

/** The answer, and what the call was made with. */
interface Answer extends CallContext {
  readonly code: string;
  /** AWS's own words, made safe for a terminal. */
  readonly message: string;
  readonly status: number;
  /** The answer's `Date`. */
  readonly date: string | undefined;
}

/** The parts of an SDK error that matter here. */
interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number };
  /** Whose fault it is, where AWS says so. */
  $fault?: string;
  $response?: { statusCode?: number; headers?: Record<string, string> };
}

/** Puts an answer into words; undefined for an error that is none. */
export function explainAnswer(error: unknown, context: CallContext): AwsFailure | undefined {
  const { $metadata, $response, $fault, name, message } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined) return undefined;
  const answer = {
    ...context,
    code: name,
    message: escapeControlCharacters(message),
    status,
    date: $response?.headers?.date,
  };
  const { consequence, text, hints } = explanationFor(answer, $fault !== undefined && name !== "Unknown");
  return new AwsFailure(consequence, text(answer), hints(answer), error);
}

function explanationFor(answer: Answer, isFromAws: boolean): Explanation {
  // By the text before the code: STS answers a wrong code with a plain AccessDenied.
  const [, ofText] = byText.find(([pattern]) => pattern.test(answer.message)) ?? [];
  const [, ofCode] = byCode.find(([codes]) => codes.includes(answer.code)) ?? [];
  if (answer.status === 501 && isFromAws) return notModeled;
  return ofText ?? ofCode ?? (answer.status >= 500 ? internalError : isFromAws ? otherRefusal : notAws(answer.status));
}

/** The sandbox says so. */
const notModeled: Explanation = {
  consequence: "final",
  text: ({ message, endpoint }) =>
    `${endpoint === undefined ? "AWS" : quote(new URL(endpoint).host)} does not do this: ${message}`,
  hints: () => "to ask AWS instead, unset what this shows: env | grep AWS_ENDPOINT_URL",
};

const nameAnother = ({ formatLogin }: CallContext): string =>
  `use the profile with the long-term access key: ${formatLogin({ profile: "PROFILE" })}`;

const loginIn = ({ formatLogin }: CallContext, region: string): string => formatLogin({ set: { region } });
const key = ({ accessKeyId, profile }: CallContext): string => {
  const id = looksLikeKeyId(accessKeyId) ? ` ${maskKeyId(accessKeyId)}` : "";
  return `the access key${id} of the profile ${quote(profile)}`;
};

/** Whether the call was made with a code, or while one was asked for. */
const isForCode = ({ command, serialNumber, permission }: CallContext): boolean =>
  serialNumber !== undefined || (command === undefined && permission === "sts:GetCallerIdentity");

const wrongClock: Explanation = {
  consequence: "final",
  text: ({ date, now }) => `AWS refused the request because ${clockError(date, now())}`,
  hints: (answer) => `${setClock}, then try again${isForCode(answer) ? "; the code was not used" : ""}`,
};

const byText: readonly (readonly [RegExp, Explanation])[] = [
  [
    /invalid MFA one time pass code/i,
    {
      consequence: "wrong code",
      text: () => "AWS rejected that code",
      hints: (answer) => [
        "wait for the next code, and check that it is the one for this account",
        answer.formatLogin(),
      ],
    },
  ],
  [
    /unable to validate MFA code/i,
    {
      consequence: "refused",
      text: ({ serialNumber = "", serialFrom }) =>
        `AWS cannot check codes of the device ${quote(serialNumber)}${serialFrom === undefined ? "" : ` (from ${serialFrom})`} for this user`,
      hints: (answer) => [
        `use one of this user's devices: aws iam list-mfa-devices ${formatOption("--profile", answer.profile)}`,
        answer.formatLogin({ set: { serial: "ARN" } }),
      ],
    },
  ],
  [/Signature (expired|not yet current)/i, wrongClock],
  [
    /session credentials.*GetSessionToken|GetSessionToken.*session credentials/is,
    {
      consequence: "final",
      text: ({ profile }) =>
        `the profile ${quote(profile)} has temporary credentials, but a session needs a long-term access key`,
      hints: (answer) => nameAnother(answer),
    },
  ],
];

const byCode: readonly (readonly [codes: readonly string[], Explanation])[] = [
  [["RequestExpired", "RequestTimeTooSkewed"], wrongClock],
  [
    ["InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException"],
    {
      consequence: "final",
      text: (answer) => `AWS rejected ${key(answer)}: it was deleted or disabled`,
      hints: (answer) => [
        "check whether it is active: IAM console, Users, Security credentials, Access keys",
        `save a new access key: ${formatEnterKey(answer)}`,
        ...otherRegions(answer),
      ],
    },
  ],
  [
    ["SignatureDoesNotMatch", "IncompleteSignature"],
    {
      consequence: "final",
      text: (answer) => `the secret access key does not match ${key(answer)}`,
      hints: (answer) => `enter both again: ${formatEnterKey(answer)}`,
    },
  ],
  [
    ["ExpiredToken", "ExpiredTokenException"],
    {
      consequence: "final",
      text: ({ profile }) => `the credentials of the profile ${quote(profile)} have expired`,
      hints: (answer) => nameAnother(answer),
    },
  ],
  [
    ["RegionDisabledException"],
    {
      consequence: "final",
      text: ({ region }) => `STS is not active in the region ${region} for this account`,
      hints: (answer) =>
        `use another region: ${loginIn(answer, answer.region === "us-east-1" ? "REGION" : "us-east-1")}`,
    },
  ],
  [
    [
      ...["Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException"],
      ...["TooManyRequestsException", "RequestLimitExceeded", "SlowDown"],
    ],
    {
      consequence: "throttled",
      text: () => "AWS is throttling requests",
      hints: (answer) =>
        `wait a minute, ${answer.command === undefined ? `then: ${answer.formatLogin()}` : "then try again"}`,
    },
  ],
  [
    ["AccessDenied", "AccessDeniedException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS denied the request: ${message}`,
      hints: (answer) => whoMayAllow(answer),
    },
  ],
  [
    ["ValidationError", "ValidationException", "InvalidInputException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS rejected the request: ${message}`,
      hints: ({ command = "fob login" }) => `check what is allowed: ${command} --help`,
    },
  ],
  [
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
    ["InvalidAuthenticationCodeException"],
    {
      consequence: "wrong code",
      text: () => "AWS rejected the two codes of the MFA device",
      hints: () => "enter two codes that the device shows one after the other, and check its clock",
    },
  ],
  [
    ["NoSuchEntityException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS did not find it: ${message}`,
      hints: () => "check whether it was renamed or deleted; AWS may need a minute to see what was created just now",
    },
  ],
  [
    ["LimitExceededException"],
    {
      consequence: "refused",
      text: ({ message }) => `a quota of IAM is reached: ${message}`,
      hints: () =>
        "see which quotas can be raised: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    },
  ],
  [
    ["ConcurrentModificationException", "EntityTemporarilyUnmodifiableException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS is still busy with another change: ${message}`,
      hints: () => "wait a minute, then run the same command again",
    },
  ],
  [
    ["PasswordPolicyViolationException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS rejected the password: ${message}`,
      hints: ({ profile }) =>
        `see what is required: aws iam get-account-password-policy ${formatOption("--profile", profile)}`,
    },
  ],
  [
    ["MalformedPolicyDocumentException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS rejected the policy: ${message}`,
      hints: () => "check it: fob policy lint FILE",
    },
  ],
  [
    // Comes with HTTP 500, and is about the policies that were sent.
    ["PolicyEvaluationException"],
    {
      consequence: "refused",
      text: ({ message }) => `AWS could not evaluate the policies: ${message}`,
      hints: () => "check them: fob policy lint FILE",
    },
  ],
];

const internalError: Explanation = {
  consequence: "server error",
  text: (answer) => `${describeEndpoint(answer)} had an internal error (HTTP ${answer.status})`,
  hints: ({ endpoint }) =>
    endpoint === undefined
      ? "check AWS's status: https://health.aws.amazon.com/"
      : "check your settings: env | grep -i -e _proxy -e AWS_ENDPOINT_URL",
};

const otherRefusal: Explanation = {
  consequence: "refused",
  text: ({ code, message }) => `AWS refused the request: ${escapeControlCharacters(code)}: ${message}`,
  hints: () => "look it up: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html",
};

const notAws = (status: number): Explanation => ({
  // A sign-in page would answer every call so.
  consequence: status < 400 ? "final" : "refused",
  text: (answer) => `a server that is not AWS answered for ${describeEndpoint(answer)} (HTTP ${status})`,
  hints: () => [
    "if this network has a sign-in page, open any web page in a browser first",
    "check your settings: env | grep -i -e _proxy -e AWS_ENDPOINT_URL",
  ],
});

/** Where else the key may be known: each partition of AWS has keys of its own. */
function otherRegions(answer: CallContext): string[] {
  const own = getPartition(answer.region);
  const named = /^arn:([^:]+):/.exec(answer.arn ?? "")?.[1];
  const region = named === undefined || named === own ? undefined : getDefaultRegion(named);
  if (region !== undefined) return [`${quote(answer.arn ?? "")} is in ${named}: ${loginIn(answer, region)}`];
  if (own !== "aws") return [];
  if (answer.region !== "us-east-1") {
    return [`if the account has not enabled the region ${answer.region}: ${loginIn(answer, "us-east-1")}`];
  }
  return [
    `if the key is for AWS China: ${loginIn(answer, "cn-north-1")}`,
    `if it is for AWS GovCloud (US): ${loginIn(answer, "us-gov-west-1")}`,
  ];
}

function whoMayAllow({ message, command, permission, accessKeyId, formatLogin }: Answer): readonly string[] {
  // A call with tags needs two permissions.
  const [, action] = /not authorized to perform: ([\w-]+:\w+)/.exec(message) ?? [];
  if (command === undefined) return [`ask an administrator to allow ${action ?? "this request"} for this user`];
  // The policy that enforces MFA denies nearly everything to a long-term access key.
  const isWithoutMfa = accessKeyId.startsWith("AKIA") && /explicit deny/.test(message);
  if (!isWithoutMfa) return [`ask an administrator to allow ${action ?? permission} for this user or role`];
  return [
    `if a policy requires MFA, use a session instead of the access key: ${formatLogin()}`,
    `otherwise ask an administrator to change the policy that denies ${action ?? permission}`,
  ];
}

/** Where the call went, for messages. */
export function describeEndpoint({ endpoint, region }: CallContext): string {
  return endpoint === undefined ? `AWS in ${region}` : quote(new URL(endpoint).host);
}

/** By how much this computer's clock is off, from the answer's `Date`. */
function clockError(date: string | undefined, now: number): string {
  const off = Math.round((now - Date.parse(date ?? "")) / 1000);
  if (Number.isNaN(off)) return "this computer's clock is wrong by more than 5 minutes";
  return describeClock(off);
}
