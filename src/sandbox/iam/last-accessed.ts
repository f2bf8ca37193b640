// Reports of when services were last accessed, which are made by jobs.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
//
// Which services a report has, what is left out while a job runs, who may read it, and the messages are as captured from
// AWS in 2026 by https://github.com/radkawar/stackd (docs/iam-last-access.md). Only the level of services is modeled.
import { randomUUID } from "node:crypto";
import type { PolicyDocument } from "../../policy/engine/evaluate.ts";
import type { Account, Credential, Role, ServiceUse, UserPrincipal } from "../account.ts";
import { AwsError, accessDenied, notModeled } from "../errors.ts";
import { type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { listPoliciesOf, type PolicySource } from "../simulated-policies.ts";
import { writeElement, writeList } from "../xml.ts";
import { listGrantedServices, nameService } from "./granted-services.ts";

/** ms that a job takes: a small one of AWS was observed to take about a second. */
const jobMs = 1000;

/** "The tracking period for services is for the last 400 days": in the user guide. */
const trackedMs = 400 * 86_400_000;

type Entity = UserPrincipal | Role;

/** A service that the policies may give access to, and who may use it. */
interface ServiceReport {
  readonly namespace: string;
  readonly entities: readonly { readonly entity: Entity; readonly use: ServiceUse | undefined }[];
}

interface Job {
  readonly owner: string;
  readonly createdMs: number;
  readonly services: readonly ServiceReport[];
}

/** The jobs of an account, by their IDs. They end with the sandbox. */
const jobs = new WeakMap<Account, Map<string, Job>>();

const jobsOf = (account: Account): Map<string, Job> => {
  const found = jobs.get(account) ?? new Map<string, Job>();
  jobs.set(account, found);
  return found;
};

/** A user's keys share jobs; a session has its own (captured). */
const ownerOf = ({ principal, session, accessKeyId }: Credential): string =>
  session === undefined ? principal.userId : accessKeyId;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html */
const generateDetails: QueryAction = {
  parameters: ["Arn", "Granularity"],
  run: (call) => {
    const { account, caller, parameters } = call;
    const [value, granularity = "SERVICE_LEVEL"] = [parameters.get("Arn"), parameters.get("Granularity")];
    validate({ name: "arn", value, isRequired: true, min: 20, max: 2048 });
    if (granularity !== "SERVICE_LEVEL" && granularity !== "ACTION_LEVEL") {
      const constraint = "Member must satisfy enum value set: [SERVICE_LEVEL, ACTION_LEVEL]";
      const problem = `Value at 'granularity' failed to satisfy constraint: ${constraint}`;
      throw new AwsError("ValidationError", 400, `1 validation error detected: ${problem}`);
    }
    const { documents, entities } = readSource(call, value as string);
    if (granularity === "ACTION_LEVEL") throw notModeled("last accessed details of actions (ACTION_LEVEL)");
    const createdMs = account.now();
    const used = entities.map((entity) => ({ entity, uses: account.usesOf(entity) }));
    const services = listGrantedServices(documents).map((namespace) => ({
      namespace,
      entities: used.map(({ entity, uses }) => ({
        entity,
        use: uses.find(({ service, ms }) => service === namespace && ms > createdMs - trackedMs),
      })),
    }));
    const id = randomUUID();
    jobsOf(account).set(id, { owner: ownerOf(caller), createdMs, services });
    return writeElement("JobId", id);
  },
};

/** What a report is about: policies, and who may use what they allow. */
interface Source {
  readonly documents: readonly PolicyDocument[];
  readonly entities: readonly Entity[];
}

/** Finds what an ARN names: by the name, for AWS ignores the path. Throws AccessDenied, NoSuchEntity or for other ARNs. */
function readSource(call: QueryCall, arn: string): Source {
  const { account, caller } = call;
  const [, partition, service, accountId, resource = ""] = /^arn:([^:]*):([^:]*)::([^:]*):(.+)$/.exec(arn) ?? [];
  if (service !== undefined && service !== "iam") throw new AwsError("ValidationError", 400, "Invalid service in ARN");
  const [kind = "", name = ""] = /^(user|group|role|policy)\/(?:.*\/)?([^/]+)$/.exec(resource)?.slice(1) ?? [];
  if (name === "") throw new AwsError("InvalidInput", 400, `Invalid Entity Arn: ${arn} is not supported.`);
  if (partition !== account.partition) throw new AwsError("ValidationError", 400, "Invalid ARN partition");
  if (accountId !== account.id && accountId !== "aws") throw accessDenied("The resource must belong to this account.");
  if (kind === "policy") return readPolicySource(call, arn);
  const found = { user: account.findUser(name), group: account.findGroup(name), role: account.findRoleByName(name) };
  const entity = found[kind as keyof typeof found];
  account.authorize(caller, "iam:GenerateServiceLastAccessedDetails", entity?.arn ?? arn, entity?.arn ?? arn);
  if (entity === undefined) throw new AwsError("NoSuchEntity", 404, `The ${kind} with name ${name} cannot be found.`);
  const { policies } = listPoliciesOf(account, { kind, entity } as PolicySource);
  const members = account.users().filter(({ user }) => user.groups.some((group) => group === entity));
  return {
    documents: policies.map(({ document }) => document),
    entities: kind === "group" ? members : [entity as Entity],
  };
}

function readPolicySource({ account, caller }: QueryCall, arn: string): Source {
  account.authorize(caller, "iam:GenerateServiceLastAccessedDetails", arn, arn);
  if (account.findManagedPolicy(arn) === undefined) {
    throw new AwsError("NoSuchEntity", 404, `Policy ${arn} was not found.`);
  }
  const has = ({ holder }: { readonly holder: { readonly attached: ReadonlySet<string> } }): boolean =>
    holder.attached.has(arn);
  const users = account.users().filter((principal) => has(principal) || principal.user.groups.some(has));
  return { documents: [account.defaultPolicy(arn).document], entities: [...users, ...account.roles().filter(has)] };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html */
const getDetails: QueryAction = {
  parameters: ["JobId", "Marker", "MaxItems"],
  run: (call) => {
    const job = takeJob(call, "iam:GetServiceLastAccessedDetails");
    return writeJob(call, job, () => {
      const { page, isTruncated, marker } = takePage(call.parameters, job.services);
      const list = writeList("ServicesLastAccessed", page, writeService);
      return writeElement("JobType", "SERVICE_LEVEL") + list + isTruncated + marker;
    });
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetailsWithEntities.html */
const getDetailsWithEntities: QueryAction = {
  parameters: ["JobId", "ServiceNamespace", "Marker", "MaxItems"],
  run: (call) => {
    const namespace = call.parameters.get("ServiceNamespace");
    const pattern = "[\\w-]*";
    validate({ name: "serviceNamespace", value: namespace, isRequired: true, min: 1, max: 64, pattern });
    const job = takeJob(call, "iam:GetServiceLastAccessedDetailsWithEntities");
    return writeJob(call, job, () => {
      const { entities = [] } = job.services.find((service) => service.namespace === namespace) ?? {};
      const present = entities.filter(({ entity }) => isPresent(call.account, entity));
      const latest = [...present].sort((a, b) => (b.use?.ms ?? 0) - (a.use?.ms ?? 0));
      const { page, isTruncated, marker } = takePage(call.parameters, latest);
      const list = writeList("EntityDetailsList", page, ({ entity, use }) => {
        return writeEntity(entity) + (use === undefined ? "" : writeExactTime("LastAuthenticated", use.ms));
      });
      return list + isTruncated + marker;
    });
  },
};

/** Returns the job that the parameter JobId names, if it is the caller's. Throws AccessDenied or NoSuchEntity. */
function takeJob({ account, caller, parameters }: QueryCall, action: string): Job {
  const id = parameters.get("JobId");
  validate({ name: "jobId", value: id, isRequired: true, min: 36, max: 36 });
  account.authorize(caller, action, "*", "*");
  const job = jobsOf(account).get(id as string);
  if (job !== undefined && job.owner === ownerOf(caller)) return job;
  throw new AwsError("NoSuchEntity", 404, `Job ${id} does not exist.`);
}

/** While a job runs, its answer has no more than this, although AWS's model requires it. */
function writeJob({ account }: QueryCall, { createdMs }: Job, writeReport: () => string): string {
  const completedMs = createdMs + jobMs;
  const isCompleted = account.now() >= completedMs;
  const created = writeExactTime("JobCreationDate", createdMs);
  const status = writeElement("JobStatus", isCompleted ? "COMPLETED" : "IN_PROGRESS");
  if (!isCompleted) return status + created + writeElement("IsTruncated", "false");
  return status + created + writeExactTime("JobCompletionDate", completedMs) + writeReport();
}

/** These times have milliseconds (captured). */
const writeExactTime = (name: string, ms: number): string => writeElement(name, new Date(ms).toISOString());

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ServiceLastAccessed.html */
function writeService({ namespace, entities }: ServiceReport): string {
  const used = entities.flatMap(({ entity, use }) => (use === undefined ? [] : { entity, ...use }));
  const [latest] = used.sort((a, b) => b.ms - a.ms);
  return [
    ...[writeElement("ServiceName", nameService(namespace)), writeElement("ServiceNamespace", namespace)],
    latest === undefined
      ? ""
      : writeExactTime("LastAuthenticated", latest.ms) +
        writeElement("LastAuthenticatedEntity", latest.entity.arn) +
        writeElement("LastAuthenticatedRegion", latest.region),
    writeElement("TotalAuthenticatedEntities", String(used.length)),
  ].join("");
}

/** Who was deleted since is not in the answer. */
const isPresent = (account: Account, entity: Entity): boolean =>
  ("user" in entity ? account.findUser(entity.name) : account.findRole(entity.arn)) === entity;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_EntityInfo.html */
function writeEntity(entity: Entity): string {
  const [type, id, path] =
    "user" in entity ? ["USER", entity.userId, entity.user.path] : ["ROLE", entity.roleId, entity.path];
  const content = [
    ...[writeElement("Arn", entity.arn), writeElement("Name", entity.name), writeElement("Type", type)],
    ...[writeElement("Id", id), writeElement("Path", path)],
  ];
  return `<EntityInfo>${content.join("")}</EntityInfo>`;
}

export const lastAccessedActions: Readonly<Record<string, QueryAction>> = {
  GenerateServiceLastAccessedDetails: generateDetails,
  GetServiceLastAccessedDetails: getDetails,
  GetServiceLastAccessedDetailsWithEntities: getDetailsWithEntities,
};
