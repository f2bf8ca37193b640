// Finds the policies in the output of `terraform show -json`, of a state or a plan, and in a state file.
// https://developer.hashicorp.com/terraform/internals/json-format
import { type Content, isObject } from "../engine/grammar.ts";
import type { Path } from "../engine/json.ts";
import type { Unknown } from "../lint/lint.ts";
import { type Candidate, findKind, findOrganizationsKind, listOf, textOf } from "./candidate.ts";

/** Returns undefined if it is neither. */
export function findInTerraform(value: unknown): readonly Candidate[] | undefined {
  if (!isObject(value)) return undefined;
  if (value.version === 4 && typeof value.lineage === "string") return findInState(value);
  if (typeof value.format_version !== "string") return undefined;
  // A plan has the state before it, too.
  const root = value.planned_values === undefined ? "values" : "planned_values";
  const values = value[root];
  if (!isObject(values) || !isObject(values.root_module)) return [];
  return findInModule(values.root_module, [root, "root_module"]).map((found) => ({
    ...found,
    absent: knownAfterApply,
  }));
}

function findInModule(module: Content, path: Path): readonly Candidate[] {
  const own = listOf(module.resources).flatMap((resource, index) =>
    isObject(resource) && resource.mode !== "data" && isObject(resource.values)
      ? findInResource(resource, resource.values, [...path, "resources", index, "values"])
      : [],
  );
  const children = listOf(module.child_modules).flatMap((child, index) =>
    isObject(child) ? findInModule(child, [...path, "child_modules", index]) : [],
  );
  return [...own, ...children];
}

/**
 * HashiCorp describes this form only in Terraform's source. Version 4 is that of Terraform 0.12 and later, and of
 * OpenTofu.
 */
function findInState(state: Content): readonly Candidate[] {
  return listOf(state.resources).flatMap((resource, number) => {
    if (!isObject(resource) || resource.mode !== "managed") return [];
    const { module, type, name, instances } = resource;
    return listOf(instances).flatMap((instance, index) => {
      if (!isObject(instance) || !isObject(instance.attributes)) return [];
      const key = instance.index_key === undefined ? "" : `[${JSON.stringify(instance.index_key)}]`;
      const address = `${typeof module === "string" ? `${module}.` : ""}${textOf(type)}.${textOf(name)}${key}`;
      const path = ["resources", number, "instances", index, "attributes"];
      return findInResource({ type, address }, instance.attributes, path);
    });
  });
}

function findInResource({ type, address }: Content, values: Content, path: Path): readonly Candidate[] {
  const name = textOf(address);
  switch (type) {
    case "aws_iam_policy":
      return [{ path: [...path, "policy"], name }];
    case "aws_iam_user_policy":
    case "aws_iam_group_policy":
    case "aws_iam_role_policy": {
      const [, owner = ""] = /^aws_iam_(\w+)_policy$/.exec(type) ?? [];
      const of = typeof values[owner] === "string" ? [`${owner} ${values[owner]}`] : [];
      return [{ path: [...path, "policy"], name, of, kind: owner === "role" ? "role" : undefined }];
    }
    case "aws_iam_role": {
      const of = [`role ${textOf(values.name, name)}`];
      // An empty block removes the inline policies that Terraform does not manage.
      return listOf(values.inline_policy).flatMap((policy, index) =>
        isObject(policy) && policy.name !== "" && policy.policy !== ""
          ? [
              {
                path: [...path, "inline_policy", index, "policy"],
                ...{ name: `${name}, policy ${textOf(policy.name)}`, of, kind: findKind(of) },
              },
            ]
          : [],
      );
    }
    case "aws_organizations_policy":
      return [
        { path: [...path, "content"], name, kind: findOrganizationsKind(values.type ?? "SERVICE_CONTROL_POLICY") },
      ];
    case "aws_ssoadmin_permission_set_inline_policy":
      return [{ path: [...path, "inline_policy"], name, kind: "role" }];
    default:
      return [];
  }
}

/** Of a policy that the plan does not have yet. */
const knownAfterApply: Unknown = {
  path: [],
  message: "the policy is known only after terraform apply, so fob does not check it",
  fix: "apply, then lint the output of terraform show -json",
  isAll: true,
};
