// Preloaded into the built program (node --require): writes down its file-system calls on files below $CALLS_HOME, one a
// line, in $CALLS_LOG: the function and the files that it is about, also where it is given a descriptor.
const fs = require("node:fs");

const { CALLS_HOME, CALLS_LOG } = process.env;
const append = fs.appendFileSync;
const open = new Map();

for (const name of ["openSync", "closeSync", "writeSync", "fsyncSync", "linkSync", "renameSync", "unlinkSync"]) {
  const real = fs[name];
  fs[name] = function (...args) {
    const files = args.map((arg) => (typeof arg === "number" ? open.get(arg) : arg));
    const result = real.apply(this, args);
    const ours = files.filter((file) => typeof file === "string" && file.startsWith(CALLS_HOME));
    if (ours.length > 0) append(CALLS_LOG, `${[name, ...ours].join(" ")}\n`);
    if (name === "openSync") open.set(result, String(args[0]));
    if (name === "closeSync") open.delete(args[0]);
    return result;
  };
}
