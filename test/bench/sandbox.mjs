// The figures of `fob sandbox`, and of a rollout's plan and an audit for 5,000 users. Other programs on the machine hardly change how much of
// the processor a program uses, so most are milliseconds of that.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { measureAudit } from "./audit.mjs";

const requests = 5000;

/**
 * @param bench.bundle makes a program of a file of this folder, and returns its path
 * @param bench.load loads a module of fob's
 * @param bench.env the environment of programs
 * @param bench.folder where files may be written
 * @returns rows, without what is compared, and what could not be measured
 */
export async function measureSandbox({ bundle, load, program, env, folder, median }) {
  const started = [];
  for (let round = 0; round < 11; round++) started.push(await timeStart(program, env));
  const start = { name: "fob sandbox: ms until it is ready", limit: 300, value: median(started.slice(1)) };
  const local = await bundle("local-aws.ts");
  const small = await startAws(local, 1000 - 13);
  const large = await startAws(local, 5000 - 13);
  try {
    const signing = await load("sandbox/sigv4.ts");
    const plan = await measurePlan(large, await bundle("plan-rollout.ts"), await bundle("read-with-sdk.ts"), env);
    const audit = await measureAudit({
      ...{ aws: large, program, env, folder, sdkMs: plan.baseMs, breakGlass: 2 },
      ask: (parameters) => call(large, "ada", parameters, signing),
    });
    const rows = [
      start,
      await measureRequests(large, signing),
      ...(await measureScale(small, large, signing)),
      plan,
      ...audit.rows,
      { name: "5,000 users: MB of the sandbox's memory", limit: 400, value: (await large.usage()).megabytes },
    ];
    return { rows, skipped: audit.skipped };
  } finally {
    small.stop();
    large.stop();
  }
}

/** Milliseconds until it prints the variables. */
async function timeStart(program, env) {
  const began = performance.now();
  const child = spawn(process.execPath, [program, "sandbox"], { env, stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");
  const took = performance.now() - began;
  child.kill("SIGINT");
  await once(child, "close");
  return took;
}

async function startAws(path, users) {
  const child = fork(path, [String(users)]);
  const [{ url, keys }] = await once(child, "message");
  return {
    url,
    keys,
    stop: () => child.disconnect(),
    async usage() {
      child.send("usage");
      const [used] = await once(child, "message");
      return used;
    },
  };
}

/** What of the local AWS's processor some work uses, in milliseconds. */
async function useOf(aws, work) {
  const before = await aws.usage();
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  return { cpuMs: (await aws.usage()).cpuMs - before.cpuMs, ms };
}

/** Calls that a user's policies decide, 16 at the same time. */
async function measureRequests(aws, signing) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const ask = () => call(aws, "ben", { Action: "ListMFADevices", UserName: "ben" }, signing, agent);
  await Promise.all(Array.from({ length: 200 }, ask));
  let left = requests;
  const askMany = async () => {
    while (left-- > 0) await ask();
  };
  const { cpuMs, ms } = await useOf(aws, () => Promise.all(Array.from({ length: 16 }, askMany)));
  agent.destroy();
  // 500 requests a second.
  return { name: "5,000 users: ms of the sandbox for a request", limit: 2, value: cpuMs / requests, ms };
}

/** Whether what grows with the number of users grows no faster. */
async function measureScale(small, large, signing) {
  const agent = new Agent({ keepAlive: true });
  const pages = async (aws) => {
    let marker;
    do {
      const next = marker === undefined ? {} : { Marker: marker };
      const text = await call(aws, "ada", { Action: "GetAccountAuthorizationDetails", ...next }, signing, agent);
      marker = /<Marker>([^<]+)</.exec(text)?.[1];
    } while (marker !== undefined);
  };
  const rounds = { small: [], large: [] };
  for (let round = 0; round < 5; round++) {
    rounds.small.push((await useOf(small, () => pages(small))).cpuMs);
    rounds.large.push((await useOf(large, () => pages(large))).cpuMs);
  }
  // The least: the first rounds compile the program, and others may collect garbage.
  const paging = Math.min(...rounds.large) / 5 / Math.min(...rounds.small);
  const report = await useOf(large, async () => {
    await call(large, "ada", { Action: "GenerateCredentialReport" }, signing, agent);
    await call(large, "ada", { Action: "GetCredentialReport" }, signing, agent);
  });
  agent.destroy();
  return [
    { name: "all pages: a user of 5,000 / of 1,000", limit: 1.5, value: paging, ms: Math.min(...rounds.large) },
    { name: "5,000 users: ms of a credential report", limit: 1000, value: report.cpuMs, ms: report.ms },
  ];
}

/**
 * What of the processor reading 5,000 users and a plan for them use, beyond what Node.js and the SDK use for the same
 * calls: the least of three each.
 */
async function measurePlan({ url, keys }, plan, readWithSdk, env) {
  const { accessKeyId, secretAccessKey } = keys.ada;
  const run = async (path, message) => {
    const child = fork(path, [url, accessKeyId, secretAccessKey], { env });
    if (message !== undefined) child.send(message);
    const [answer] = await once(child, "message");
    return answer;
  };
  const whole = [];
  const bare = [];
  for (let round = 0; round < 3; round++) {
    const { cpuMs, users, asked } = await run(plan);
    if (users !== 5000) throw new Error(`the snapshot has ${users} users`);
    whole.push(cpuMs);
    bare.push((await run(readWithSdk, asked)).cpuMs);
  }
  const [ms, baseMs] = [Math.min(...whole), Math.min(...bare)];
  return { name: "5,000 users: ms of a rollout's plan, without the SDK", limit: 2000, value: ms - baseMs, ms, baseMs };
}

/** Sends a signed request to IAM. @returns the answer's body */
function call(aws, user, parameters, { computeSignature }, agent) {
  const body = new URLSearchParams({ ...parameters, Version: "2010-05-08" }).toString();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
  const scope = { date: timestamp.slice(0, 8), region: "us-east-1", service: "iam", terminator: "aws4_request" };
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    host: new URL(aws.url).host,
    "x-amz-date": timestamp,
  };
  const signedHeaders = Object.keys(headers);
  const { accessKeyId, secretAccessKey } = aws.keys[user];
  const distinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const sent = { method: "POST", target: "/", headers: distinct, body: Buffer.from(body) };
  const signature = computeSignature(sent, { ...scope, signedHeaders }, "iam", timestamp, secretAccessKey);
  const authorization = `AWS4-HMAC-SHA256 Credential=${[accessKeyId, ...Object.values(scope)].join("/")}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  return new Promise((done, fail) => {
    const outgoing = request(aws.url, { method: "POST", agent, headers: { ...headers, authorization } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part));
      answer.on("end", () => (answer.statusCode === 200 ? done(text) : fail(new Error(text))));
    });
    outgoing.on("error", fail).end(body);
  });
}
