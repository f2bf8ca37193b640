// Loaded before a program (`node --import`): appends a line to $FOB_TEST_READS for each file below an `.aws` folder that
// it reads, with the function that reads it.
import fs, { appendFileSync } from "node:fs";

const log = process.env.FOB_TEST_READS;

for (const [kind, functions] of Object.entries({ sync: fs, promises: fs.promises })) {
  for (const name of ["readFile", "readFileSync", "open", "openSync", "createReadStream"]) {
    const original = functions[name];
    if (original === undefined) continue;
    functions[name] = (path, ...rest) => {
      if (/[/\\]\.aws[/\\](credentials|config)$/.test(String(path))) appendFileSync(log, `${kind}.${name}\n`);
      return original.call(functions, path, ...rest);
    };
  }
}
