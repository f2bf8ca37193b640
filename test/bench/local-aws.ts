// A local AWS in a process of its own, with the team and so many more users. It tells the bench over IPC where it is, and
// on any message what it has used of the processor and of memory so far.
import type { Credential } from "../../src/sandbox/account.ts";
import { addCrowd } from "../../src/sandbox/crowd.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { startSandbox } from "../../src/sandbox/server.ts";

const more = Number(process.argv[2]);
const keys: Record<string, Pick<Credential, "accessKeyId" | "secretAccessKey">> = {};
const { url } = await startSandbox({
  fill: (account) => {
    scenarios["team-enforced"](account);
    addCrowd(account, more);
    // An administrator, and a developer whom the enforcement policy is about.
    for (const name of ["ada", "ben"]) {
      const { accessKeyId, secretAccessKey } = account.addAccessKey(account.user(name));
      keys[name] = { accessKeyId, secretAccessKey };
    }
  },
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000, megabytes: process.memoryUsage.rss() / 1e6 });
});
process.on("disconnect", () => process.exit());
process.send?.({ url, keys });
