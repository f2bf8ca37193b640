// A process of its own that runs steps, or undoes them, and can be killed. Bundled by crashes.test.ts.
// Arguments: run or undo, the store, the folder that is the account, the users.
import { FobError } from "../../src/errors.ts";
import { listDone, withJournal } from "../../src/steps/journal.ts";
import { runSteps, undoSteps } from "../../src/steps/steps.ts";
import { addUser, createTools, openAccount, undoOfStep } from "./fake-account.ts";

const [what = "", store = "", folder = "", ...users] = process.argv.slice(2);
const account = openAccount(folder);
const { signal } = new AbortController();
try {
  await withJournal({ store, name: "test", signal, now: Date.now }, async (journal) => {
    const tools = createTools(journal);
    if (what === "undo") return await undoSteps(listDone(journal.lines), undoOfStep(account), tools);
    return await runSteps(
      users.map((user) => addUser(user, account)),
      tools,
    );
  });
  console.log("{}");
} catch (error) {
  if (!(error instanceof FobError)) throw error;
  console.log(JSON.stringify({ message: error.message, hints: error.hints }));
}
