// Preloaded into the built program (node --require): counts how often it opens each file for reading, as JSON in
// $FOB_TEST_READS once it ends.
const fs = require("node:fs");

const counts = {};
const write = fs.writeFileSync;

for (const name of ["openSync", "readFileSync"]) {
  const real = fs[name];
  fs[name] = function (target, options, ...rest) {
    const flags = name === "openSync" ? (options ?? "r") : (options?.flag ?? "r");
    const isReading = flags === "r" || (typeof flags === "number" && (flags & 3) === fs.constants.O_RDONLY);
    // A descriptor was counted when it was opened.
    if (typeof target === "string" && isReading) counts[target] = (counts[target] ?? 0) + 1;
    return real.call(this, target, options, ...rest);
  };
}

process.on("exit", () => write(process.env.FOB_TEST_READS, JSON.stringify(counts)));
