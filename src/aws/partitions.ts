// Partitions and their regions. https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";

/** Partition, how its regions begin, the region whose STS is used when none is configured, and the domain of services. */
const partitions = [
  { name: "aws-cn", regions: /^cn-/, region: "cn-north-1", suffix: "amazonaws.com.cn" },
  { name: "aws-us-gov", regions: /^us-gov-/, region: "us-gov-west-1", suffix: "amazonaws.com" },
  { name: "aws-iso", regions: /^us-iso-/, region: "us-iso-east-1", suffix: "c2s.ic.gov" },
  { name: "aws-iso-b", regions: /^us-isob-/, region: "us-isob-east-1", suffix: "sc2s.sgov.gov" },
  { name: "aws-iso-e", regions: /^eu-isoe-/, region: "eu-isoe-west-1", suffix: "cloud.adc-e.uk" },
  { name: "aws-iso-f", regions: /^us-isof-/, region: "us-isof-south-1", suffix: "csp.hci.ic.gov" },
  { name: "aws-eusc", regions: /^eusc-/, region: "eusc-de-east-1", suffix: "amazonaws.eu" },
  { name: "aws", regions: /^/, region: "us-east-1", suffix: "amazonaws.com" },
] as const;

/** The partitions that fob knows. */
export const partitionNames: readonly string[] = partitions.map(({ name }) => name);

/** The partition that a region is in. A region that no other partition claims is in `aws`. */
export function getPartition(region: string): string {
  return partitions.find((partition) => partition.regions.test(region))?.name ?? "aws";
}

/** The domain in which the services of a region have their hosts: `cloudtrail.eu-central-1.amazonaws.com`. */
export function getDnsSuffix(region: string): string {
  return partitions.find((partition) => partition.regions.test(region))?.suffix ?? "amazonaws.com";
}

/** The region whose STS answers for a partition when none is configured; undefined for one that fob does not know. */
export function getDefaultRegion(partition: string): string | undefined {
  return partitions.find(({ name }) => name === partition)?.region;
}

/**
 * The regions in which AWS records sign-ins of IAM users to the console: the first unless the browser knows the account's
 * alias.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
 */
export function listSignInRegions(partition: string): readonly string[] {
  if (partition === "aws") return ["us-east-1", "us-east-2", "eu-north-1", "ap-southeast-2"];
  const region = getDefaultRegion(partition);
  return region === undefined ? [] : [region];
}

/**
 * Whether a region can be in a partition. One newer than this list has regions that look like those of `aws` here.
 */
export function isInPartition(region: string, partition: string): boolean {
  return getPartition(region) === (getDefaultRegion(partition) === undefined ? "aws" : partition);
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html */
const legacyRegions = [
  ...["ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1"],
  ...["eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"],
];

/** The region as the SDK knows it that has STS's endpoint: `aws-global` is sts.amazonaws.com. */
export function getStsRegion(region: string, usesGlobal: boolean): string {
  return usesGlobal && legacyRegions.includes(region) ? "aws-global" : region;
}

/** Whether a text can be a region: it becomes part of a host name. */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,}(-[a-z0-9]+){1,5}$/.test(text);
}

/**
 * The region for a device: the one that was chosen, or the default of the device's partition.
 *
 * @param partition of the device's ARN; undefined for a hardware token, whose serial number tells nothing
 * @throws FobError where the two are in different partitions, or nothing tells the region
 */
export function chooseRegion(
  chosen: { region: string; from: string } | undefined,
  partition: string | undefined,
  formatLogin: FormatLogin,
): string {
  if (!chosen) {
    const region = getDefaultRegion(partition ?? "aws");
    if (region) return region;
    throw new FobError(
      `no region is configured, and fob has no default for the partition ${quote(partition ?? "")}`,
      `choose one: ${formatLogin({ set: { region: "REGION" } })}`,
    );
  }
  if (partition !== undefined && !isInPartition(chosen.region, partition)) {
    throw new FobError(
      `the region ${quote(chosen.region)} (from ${chosen.from}) is in the partition ${getPartition(chosen.region)}, but the MFA device is in ${partition}`,
      `use a region in that partition: ${formatLogin({ set: { region: getDefaultRegion(partition) ?? "REGION" } })}`,
    );
  }
  return chosen.region;
}
