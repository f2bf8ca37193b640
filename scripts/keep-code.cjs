// Preloaded into the built program by build.mjs: at its end, what V8 has compiled of each file with a code cache becomes
// that cache.
const fs = require("node:fs");
const vm = require("node:vm");

const scripts = [];
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    scripts.push({ file: options.filename, script: this });
  }
};
process.on("exit", () => {
  for (const { file, script } of scripts) fs.writeFileSync(`${file}.cache`, script.createCachedData());
});
