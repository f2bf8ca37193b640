// Preloaded into the built program (NODE_OPTIONS): writes down the argument list of every process that it starts, and
// the random bytes from which the demo's local AWS makes its secrets. A line of JSON each, in $FOB_TEST_RECORD.
const { appendFileSync } = require("node:fs");
const Module = require("node:module");

const { stringify } = JSON;
const by = process.argv.slice(2);
const record = (what) =>
  appendFileSync(process.env.FOB_TEST_RECORD, `${stringify({ by, ...what })}\n`, { mode: 0o600 });

function replace(object, name, wrapped) {
  const original = object[name];
  object[name] = function (...args) {
    return wrapped(args, () => original.apply(this, args));
  };
}

const modules = {
  child_process(module) {
    // Below spawn, exec, execFile and fork.
    replace(module.ChildProcess.prototype, "spawn", ([{ args }], run) => {
      record({ argv: args });
      return run();
    });
    for (const name of ["spawnSync", "execFileSync", "execSync"]) {
      replace(module, name, ([file, args], run) => {
        record({ argv: [file, ...(Array.isArray(args) ? args : [])] });
        return run();
      });
    }
  },
  crypto(module) {
    replace(module, "randomBytes", (_, run) => {
      const bytes = run();
      if (bytes?.length >= 20) record({ random: bytes.toString("base64") });
      return bytes;
    });
  },
};

// Only when they are needed, as in the program.
replace(Module, "_load", ([name], run) => {
  const module = run();
  const key = String(name).replace(/^node:/, "");
  const wrap = modules[key];
  delete modules[key];
  wrap?.(module);
  return module;
});
