// `fob rollout break-glass`: whether someone is told when the break-glass user signs in.
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld } from "../helpers/world.ts";

/** Runs a script in the team's sandbox, as the administrator ada. */
async function inSandbox(script: string) {
  const at = await makeWorld();
  const login = "fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1 || exit 99";
  return at.fob(["sandbox", "--", "sh", "-c", `${login}\n${script}`], { env: withFob(at.env), cwd: at.home });
}

const check = "fob rollout break-glass --profile ada";

test("a rule that sends sign-ins to a topic with a subscriber is found, and nothing for another user", async () => {
  const { stdout } = await inSandbox(`${check}; ${check} --user ada; ${check} --json | tr -d '\\n '`);
  const topic = "arn:aws:sns:us-east-1:123456789012:break-glass-sign-in";
  const words = stdout.replace(/\s+/g, " ");
  expect(words).toContain(`break-glass: healthy`);
  expect(words).toContain(
    `alarm on its sign-ins: rule break-glass-sign-in in us-east-1, to ${topic}, and in us-east-2, eu-north-1, ap-southeast-2`,
  );
  expect(words).toContain("better: an alarm on its sign-ins: none was found");
  expect(stdout).toContain(
    `"signInAlarm":{"value":"rulebreak-glass-sign-ininus-east-1,to${topic},andinus-east-2,eu-north-1,ap-southeast-2"}`,
  );
});

test("what AWS does not tell is unknown, with the reason", async () => {
  const faults = ["events:ListRules", "sns:ListSubscriptionsByTopic"].map(
    (call) => `fob sandbox fault ${call} --error >/dev/null; ${check}; fob sandbox fault --clear >/dev/null`,
  );
  const { stdout } = await inSandbox(`export COLUMNS=400; ${faults.join("\n")}`);
  const words = stdout.replace(/\s+/g, " ");
  expect(words.match(/break-glass: healthy/g)?.length).toBe(2);
  expect(words.match(/not known: whether you are told of its sign-ins: /g)?.length).toBeGreaterThanOrEqual(2);
  expect(words).not.toContain("alarm on its sign-ins: rule");
});

test.skipIf(!isThere("aws", "--version"))(
  "a metric filter on the trail's log group counts once it has an alarm with a subscriber",
  async () => {
    const topic = "arn:aws:sns:us-east-1:123456789012:break-glass-sign-in";
    const pattern = '{ ($.eventName = "ConsoleLogin") && ($.userIdentity.userName = "ada") }';
    const metric = "--metric-name SignIns --namespace Sign-ins --statistic Sum --period 300";
    const script = [
      'ask() { AWS_PROFILE=ada AWS_REGION=eu-central-1 aws "$@" || exit 9; }',
      `ask logs put-metric-filter --log-group-name management-events --filter-name sign-in --filter-pattern '${pattern}' --metric-transformations metricName=SignIns,metricNamespace=Sign-ins,metricValue=1`,
      `${check} --user ada`,
      `ask cloudwatch put-metric-alarm --alarm-name sign-in --comparison-operator GreaterThanThreshold --threshold 0.5 ${metric} --evaluation-periods 1 --alarm-actions ${topic}`,
      `${check} --user ada`,
    ];
    const { stdout, stderr } = await inSandbox(script.join("\n"));
    const [before = "", after = ""] = stdout.replace(/\s+/g, " ").split("To make a break-glass user");
    expect(before, stderr).toContain("better: an alarm on its sign-ins: none was found");
    expect(after).toContain(`alarm on its sign-ins: metric filter sign-in in eu-central-1, to ${topic}`);
  },
  120_000,
);
