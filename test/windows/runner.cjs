// Runs inside Wine, as long as the tests do: it starts programs for them, and hands back what those print and how they end.
// A program that Linux starts itself cannot print: Node.js for Windows writes to no pipe of Unix.
//
// A connection is a program. Its first line says what to start: {key, file, args, env, cwd, input}. The answer is lines of
// ["stdout" or "stderr", bytes in base64], then ["end", exit code] or ["error", message]. A connection that is closed
// before that ends the program.
const { spawn } = require("node:child_process");
const { writeFileSync } = require("node:fs");
const { createServer } = require("node:net");
const { createInterface } = require("node:readline");

const [portFile] = process.argv.slice(2);
const { FOB_TEST_KEY: key } = process.env;

function start({ file, args, env, cwd, input }, connection) {
  const answer = (...line) => connection.write(`${JSON.stringify(line)}\n`);
  // Detached, it has no console, as below a service.
  const child = spawn(file, args, { env, cwd, detached: true });
  for (const name of ["stdout", "stderr"]) child[name].on("data", (bytes) => answer(name, bytes.toString("base64")));
  child.on("error", ({ message }) => answer("error", message));
  child.on("close", (status) => {
    answer("end", status);
    connection.end();
  });
  connection.on("close", () => child.kill());
  // It may end without reading.
  child.stdin.on("error", () => undefined);
  child.stdin.end(Buffer.from(input, "base64"));
}

const server = createServer((connection) => {
  connection.on("error", () => undefined);
  createInterface({ input: connection }).once("line", (line) => {
    const job = JSON.parse(line);
    if (job.key === key) start(job, connection);
    else connection.destroy();
  });
});
server.listen(0, "127.0.0.1", () => writeFileSync(portFile, `${server.address().port}\n`));
