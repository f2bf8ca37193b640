// Preloaded into the built program (node --require): lets one of its file-system calls fail, or kills it there.
//
//   FAULT_HOME   only calls on files below this folder count
//   FAULT        ENOSPC, EROFS, EIO, EACCES, …: what the call throws; or "kill": the process ends in front of the call
//   FAULT_AT     the number of the call, from 1; without it every call
//   FAULT_CALLS  only functions whose name this regular expression matches count
//   FAULT_WRITES if set, only calls that write count, as on a read-only file system
//   FAULT_LOG    a file to which the number of calls, and the call that failed, are written
const fs = require("node:fs");

const { FAULT_HOME, FAULT, FAULT_AT, FAULT_WRITES, FAULT_CALLS = ".", FAULT_LOG } = process.env;
const functions = [
  "accessSync",
  "chmodSync",
  "closeSync",
  "copyFileSync",
  "fsyncSync",
  "ftruncateSync",
  "linkSync",
  "lstatSync",
  "mkdirSync",
  "openSync",
  "readFileSync",
  "readdirSync",
  "readlinkSync",
  "renameSync",
  "statSync",
  "unlinkSync",
  "utimesSync",
  "writeFileSync",
  "writeSync",
];
const writing = new Set(functions.filter((name) => !/^(closeSync|fsyncSync|l?statSync|read\w+Sync)$/.test(name)));
const counted = new RegExp(FAULT_CALLS);
const isCounted = (name, [, flags = "r"]) => {
  if (!counted.test(name)) return false;
  if (FAULT_WRITES === undefined) return true;
  const isReading = typeof flags === "number" ? (flags & 3) === 0 : flags === "r";
  return writing.has(name) && !(name === "openSync" && isReading);
};
const descriptors = new Set();
const append = fs.appendFileSync;
let count = 0;

for (const name of functions) {
  const real = fs[name];
  fs[name] = function (...args) {
    const [target] = args;
    const isOurs = typeof target === "number" ? descriptors.has(target) : String(target).startsWith(FAULT_HOME);
    if (isOurs && isCounted(name, args)) {
      count += 1;
      if (FAULT && (FAULT_AT === undefined || count === Number(FAULT_AT))) {
        if (FAULT_LOG) append(FAULT_LOG, `${count} ${name}\n`);
        if (FAULT === "kill") process.kill(process.pid, "SIGKILL");
        throw Object.assign(new Error(`${FAULT}: injected, ${name}`), { code: FAULT, syscall: name });
      }
    }
    const result = real.apply(this, args);
    if (isOurs && name === "openSync") descriptors.add(result);
    if (isOurs && name === "closeSync") descriptors.delete(target);
    return result;
  };
}

process.on("exit", () => {
  if (FAULT_LOG) append(FAULT_LOG, `calls ${count}\n`);
});
