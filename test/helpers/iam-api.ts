// An IAM and AWS Config that keep policies, groups and rules, for the real `aws` command. Lists have one item per page.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { writeElement, writeQueryResponse } from "../../src/sandbox/xml.ts";

export interface IamState {
  /** The documents of each policy by its ARN; the last version is the default one. */
  readonly policies: Map<string, string[]>;
  readonly groups: Map<
    string,
    { readonly attached: Set<string>; readonly inline: string[]; readonly members: string[] }
  >;
  /** The identifiers by the names. */
  readonly rules: Map<string, string>;
  hasRecorder: boolean;
  /** The calls that may change something. */
  readonly changes: string[];
}

export interface IamApi {
  readonly url: string;
  readonly state: IamState;
  readonly close: () => void;
}

const account = "111122223333";
export const arnOf = (kind: "group" | "policy", name: string): string => `arn:aws:iam::${account}:${kind}/${name}`;
const nameOf = (arn: string): string => arn.replace(/^.*\//, "");

export async function startIamApi(): Promise<IamApi> {
  const state: IamState = {
    ...{ policies: new Map(), groups: new Map(), rules: new Map(), hasRecorder: true, changes: [] },
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      const target = request.headers["x-amz-target"];
      const { status, text } =
        typeof target === "string" ? answerConfig(target, body, state) : answerIam(new URLSearchParams(body), state);
      response.writeHead(status, { "content-type": target === undefined ? "text/xml" : "application/x-amz-json-1.1" });
      response.end(text);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, state, close: () => server.close() };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function answerConfig(target: string, body: string, { rules, hasRecorder, changes }: IamState): Answer {
  const { ConfigRule: rule } = JSON.parse(body) as {
    ConfigRule?: { ConfigRuleName: string; Source: { SourceIdentifier: string } };
  };
  if (rule === undefined) {
    const ConfigRules = Array.from(rules, ([ConfigRuleName, SourceIdentifier]) => ({
      ...{ ConfigRuleName, Source: { Owner: "AWS", SourceIdentifier } },
    }));
    return { status: 200, text: JSON.stringify({ ConfigRules }) };
  }
  changes.push(target.replace(/^.*\./, ""));
  if (!hasRecorder) {
    const error = {
      __type: "NoAvailableConfigurationRecorderException",
      message: "Configuration recorder is not available",
    };
    return { status: 400, text: JSON.stringify(error) };
  }
  rules.set(rule.ConfigRuleName, rule.Source.SourceIdentifier);
  return { status: 200, text: "{}" };
}

function answerIam(parameters: URLSearchParams, state: IamState): Answer {
  const action = parameters.get("Action") ?? "";
  if (!/^(Get|List)/.test(action)) state.changes.push(action);
  const result = run(action, parameters, state);
  if (result !== undefined) return { status: 200, text: writeQueryResponse(action, "urn:test", result, "request") };
  const error = `<Error><Code>NoSuchEntity</Code><Message>${action}: not found</Message></Error>`;
  return { status: 404, text: `<ErrorResponse>${error}</ErrorResponse>` };
}

/** Returns the result as XML; undefined if what the parameters name does not exist. */
function run(action: string, parameters: URLSearchParams, { policies, groups }: IamState): string | undefined {
  const [arn, groupName] = [parameters.get("PolicyArn") ?? "", parameters.get("GroupName") ?? ""];
  const group = groups.get(groupName);
  const versions = policies.get(arn);
  const page = (list: string, items: readonly string[]): string => writePage(list, items, parameters.get("Marker"));
  const writePolicy = (each: string): string =>
    writeElement("PolicyName", nameOf(each)) + writeElement("Arn", each) + writeElement("PolicyArn", each);
  const writeGroup = (name: string): string =>
    writeElement("GroupName", name) + writeElement("Arn", arnOf("group", name));
  switch (action) {
    case "GetCallerIdentity":
      return writeElement("Arn", `arn:aws:iam::${account}:user/admin`);
    case "ListPolicies":
      return page("Policies", [...policies.keys()].map(writePolicy));
    case "GetPolicy":
      return versions && `<Policy>${writeElement("DefaultVersionId", `v${versions.length}`)}</Policy>`;
    case "GetPolicyVersion": {
      const document = versions?.[Number(parameters.get("VersionId")?.slice(1)) - 1];
      return document && `<PolicyVersion>${writeElement("Document", encodeURIComponent(document))}</PolicyVersion>`;
    }
    case "CreatePolicy": {
      const created = arnOf("policy", parameters.get("PolicyName") ?? "");
      policies.set(created, [parameters.get("PolicyDocument") ?? ""]);
      return `<Policy>${writePolicy(created)}</Policy>`;
    }
    case "ListGroups":
      return page("Groups", [...groups.keys()].map(writeGroup));
    case "CreateGroup":
      groups.set(groupName, { attached: new Set(), inline: [], members: [] });
      return `<Group>${writeGroup(groupName)}</Group>`;
    case "ListAttachedGroupPolicies":
      return group && page("AttachedPolicies", [...group.attached].map(writePolicy));
    case "ListGroupPolicies":
      return group && page("PolicyNames", group.inline);
    case "GetGroup":
      return (
        group &&
        page(
          "Users",
          group.members.map((name) => writeElement("UserName", name)),
        )
      );
    case "AttachGroupPolicy":
      if (group === undefined || versions === undefined) return undefined;
      group.attached.add(arn);
      return "";
    default:
      return undefined;
  }
}

/** Writes the item that the marker names, and the marker of the next one. */
function writePage(list: string, items: readonly string[], marker: string | null): string {
  const index = Number(marker ?? 0);
  const item = items[index];
  const members = item === undefined ? "" : `<member>${item}</member>`;
  const isLast = index + 1 >= items.length;
  return (
    `<${list}>${members}</${list}>${writeElement("IsTruncated", String(!isLast))}` +
    (isLast ? "" : writeElement("Marker", String(index + 1)))
  );
}
