// What `fob rollout status` calls drift: what has changed that should not have, and nothing else.
import { expect, test } from "vitest";
import { judgeRollout } from "../../src/rollout/status.ts";
import { Model, makeRandom } from "./model.ts";

const variant = { passwordChange: false, maxAgeSeconds: null, viaAwsService: false };

/** An account in which fob has put users under the policy without a change of the password. */
async function makeEnforced(): Promise<Model> {
  for (let seed = 1; seed < 200; seed++) {
    const model = new Model(makeRandom(seed));
    for (let tries = 0; tries < 30; tries++) {
      await model.step();
      const added = model.lines.findLast(({ event, step }) => event === "done" && step.startsWith("add-user/"));
      const isThere = model.users.some(({ name, groups }) => name === added?.facts.user && groups.length > 0);
      if (isThere && added?.facts.variant === JSON.stringify(variant)) return model;
    }
  }
  throw new Error("no random account was enforced");
}

const judge = (model: Model, policy?: typeof variant) =>
  judgeRollout(model.snapshot(), {
    ...{ group: "RequireMFA", policy, breakGlass: [], journal: model.lines, now: model.now, asProfile: "" },
  }).drift.map(({ what }) => what);

test("the variant that the journal has is no change; another one that is asked for is", async () => {
  const model = await makeEnforced();
  expect(judge(model)).not.toContain("policy-changed");
  expect(judge(model, { ...variant, passwordChange: true })).toContain("policy-changed");
});

test("members who are gone, users who came, and a policy that was detached or added are told", async () => {
  const model = await makeEnforced();
  const before = judge(model);
  const [member] = model.users.filter(({ groups }) => groups.includes("RequireMFA"));
  const [group] = model.groups;
  if (member === undefined || group === undefined) throw new Error("no member");
  const attached = group.attachedPolicies;
  group.attachedPolicies = attached.slice(1);
  expect(judge(model)).toContain("policy-detached");
  group.attachedPolicies = [...attached, "arn:aws:iam::aws:policy/AdministratorAccess"];
  expect(judge(model)).toContain("policy-added");
  group.attachedPolicies = attached;
  expect(judge(model)).toEqual(before);
  member.groups = [];
  expect(judge(model)).toEqual(expect.arrayContaining(["member-removed"]));
  model.users.push({ ...member, name: "late", created: "2027-01-01T00:00:00Z", tags: {} });
  expect(judge(model)).toContain("new-user");
  model.groups.length = 0;
  expect(judge(model)).toContain("group-missing");
});

test("a break-glass user or a program in the group is drift, and a member without a device waits", async () => {
  const model = await makeEnforced();
  const [member] = model.users.filter(({ groups }) => groups.includes("RequireMFA"));
  if (member === undefined) throw new Error("no member");
  const judgeNow = (breakGlass: readonly string[] = []) =>
    judgeRollout(model.snapshot(), {
      ...{ group: "RequireMFA", policy: undefined, breakGlass, journal: model.lines, now: model.now },
      asProfile: " --profile admin",
    });
  const command = `aws iam remove-user-from-group --user-name ${member.name} --group-name RequireMFA --profile admin`;
  expect(judgeNow([member.name]).drift).toContainEqual(
    expect.objectContaining({ what: "break-glass-enforced", subject: member.name, command }),
  );
  const { tags } = member;
  member.tags = { "fob-role": "automation" };
  expect(judgeNow().drift).toContainEqual(
    expect.objectContaining({ what: "automation-enforced", subject: member.name, command }),
  );
  member.tags = tags;
  expect(judgeNow().waiting.map(({ user }) => user)).not.toContain(member.name);
  member.devices = { value: [] };
  expect(judgeNow().waiting).toContainEqual(expect.objectContaining({ user: member.name, state: "enforced" }));
  expect(judgeNow().send[0]).toMatchObject({ to: [member.name] });
  member.devices = { unknown: "AWS denied the request" };
  expect(judgeNow().waiting).toContainEqual(expect.objectContaining({ user: member.name, state: "enforced" }));
  expect(judgeNow().send.flatMap(({ to }) => to)).not.toContain(member.name);
});
