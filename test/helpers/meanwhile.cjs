// Preloaded into the built program (node --require): what another program does before one of its file-system calls.
//
//   MEANWHILE_AT  a regular expression for the call: its name and arguments, e.g. `^renameSync .*/credentials$`
//   MEANWHILE     a shell command that is run, to its end, in front of each such call; CALL is the call's number, from 1,
//                 PROGRAM the program's process id. It may leave something running in the background.
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");

const { MEANWHILE, MEANWHILE_AT } = process.env;
const at = new RegExp(MEANWHILE_AT);
let calls = 0;

for (const name of ["linkSync", "openSync", "readFileSync", "renameSync", "statSync", "unlinkSync"]) {
  const real = fs[name];
  fs[name] = function (...args) {
    if (at.test([name, ...args.filter((arg) => typeof arg === "string")].join(" "))) {
      calls += 1;
      const env = { ...process.env, NODE_OPTIONS: "", CALL: String(calls), PROGRAM: String(process.pid) };
      spawnSync("sh", ["-c", MEANWHILE], { env, stdio: "ignore" });
    }
    return real.apply(this, args);
  };
}
