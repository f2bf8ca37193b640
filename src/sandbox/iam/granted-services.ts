// The services that policies may give access to, as the service-last-accessed reports list them.
import { type PolicyDocument, statementsOf } from "../../policy/engine/evaluate.ts";
import { areDisjoint, covers, type Pattern, parsePattern } from "../../policy/engine/wildcard.ts";

/**
 * The services that `*` and NotAction stand for, with AWS's names (captured): those that administrators meet most. AWS has
 * more than 450.
 */
const names: Readonly<Record<string, string>> = {
  "access-analyzer": "AWS IAM Access Analyzer",
  account: "AWS Account Management",
  cloudformation: "AWS CloudFormation",
  cloudtrail: "AWS CloudTrail",
  cloudwatch: "Amazon CloudWatch",
  config: "AWS Config",
  dynamodb: "Amazon DynamoDB",
  ec2: "Amazon EC2",
  events: "Amazon EventBridge",
  iam: "AWS Identity and Access Management",
  kms: "AWS Key Management Service",
  lambda: "AWS Lambda",
  logs: "Amazon CloudWatch Logs",
  organizations: "AWS Organizations",
  rds: "Amazon RDS",
  s3: "Amazon S3",
  secretsmanager: "AWS Secrets Manager",
  sns: "Amazon SNS",
  sqs: "Amazon SQS",
  ssm: "AWS Systems Manager",
  states: "AWS Step Functions",
  sts: "AWS Security Token Service",
  support: "AWS Support",
};

/** Returns AWS's name of a service, or the namespace of a service that is not in the list above. */
export const nameService = (namespace: string): string => names[namespace] ?? namespace;

interface Actions {
  readonly element: "Action" | "NotAction";
  readonly patterns: readonly Pattern[];
}

/**
 * Lists the namespaces of services of which at least one action may be allowed. Conditions and resources of an Allow do
 * not count, and a Deny counts only without conditions and on all resources (captured; AWS also compares resources).
 */
export function listGrantedServices(documents: readonly PolicyDocument[]): readonly string[] {
  const statements = documents.flatMap(statementsOf).map((statement) => ({
    ...{ effect: statement.effect, element: statement.actionElement ?? "Action" },
    patterns: statement.actions.map(({ text }) => parsePattern(text.toLowerCase())),
    isWhole:
      statement.conditions.length === 0 &&
      statement.resourceElement === "Resource" &&
      statement.resources.some(({ text }) => text === "*"),
  }));
  const denies = statements.filter(({ effect, isWhole }) => effect === "Deny" && isWhole);
  const granted = statements
    .filter(({ effect }) => effect === "Allow")
    .flatMap(listGrants)
    .filter(({ pattern }) => !denies.some((deny) => isDeniedBy(deny, pattern)));
  return [...new Set(granted.map(({ namespace }) => namespace))].sort();
}

interface Grant {
  readonly namespace: string;
  /** The actions of this service. */
  readonly pattern: Pattern;
}

function listGrants({ element, patterns }: Actions): readonly Grant[] {
  const ofService = (namespace: string, action: string): Grant => ({
    ...{ namespace, pattern: parsePattern(`${namespace}:`).concat(action) as Pattern },
  });
  const any = parsePattern("*");
  if (element === "NotAction") {
    return Object.keys(names)
      .map((namespace) => ofService(namespace, any))
      .filter(({ pattern }) => !patterns.some((excluded) => covers(excluded, pattern)));
  }
  return patterns.flatMap((pattern) => {
    // Only `*` stands for several services.
    const [service, action = any] = pattern === any ? [] : pattern.split(":");
    const namespaces = service === undefined ? Object.keys(names) : [service];
    return namespaces.map((namespace) => ofService(namespace, action));
  });
}

function isDeniedBy({ element, patterns }: Actions, granted: Pattern): boolean {
  if (element === "Action") return patterns.some((denied) => covers(denied, granted));
  return patterns.every((exempt) => areDisjoint(exempt, granted));
}
