// Before anything is published: the address at which users are told to report bugs exists. docs/decisions/the-address.md
//
// npm publish runs it, and nothing else does: it needs the network. Its argument takes the place of the address.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { bugs } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const [, , address = bugs.url] = process.argv;

// A redirect leads to another address than the one in every copy of the program, for as long as its owner likes.
const answer = await fetch(address, { redirect: "manual", signal: AbortSignal.timeout(30_000) }).then(
  ({ status }) => (status === 200 ? undefined : `answers ${status} instead of 200`),
  (error) => `does not answer: ${error.cause?.message ?? error.message}`,
);
if (answer !== undefined) {
  process.stderr.write(
    `${address} ${answer}\n` +
      "The program and its documents tell users to report bugs there. Create the public repository with its Issues page,\n" +
      'or change "bugs", "repository" and "homepage" in package.json and the links in the documents; then publish again.\n',
  );
  process.exitCode = 1;
}
