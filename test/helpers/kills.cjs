// Preloaded into the built program (node --require): counts the changes that it asks AWS to make, and kills it at one.
//
//   KILL_AT    the number of the change, from 1; without it none
//   KILL_WHEN  "asked": in front of the request; "done": when AWS has made the change, and its answer is not read yet
//   KILL_LOG   a file to which the names of the changes are written, one a line
//   KILL_OF    "all": every call to AWS counts, not only the changes
const fs = require("node:fs");
const { ClientRequest } = require("node:http");

const { KILL_AT, KILL_WHEN, KILL_LOG, KILL_OF } = process.env;
const kill = () => process.kill(process.pid, "SIGKILL");
const send = ClientRequest.prototype.end;
let count = 0;

ClientRequest.prototype.end = function (body, ...rest) {
  const [, action = ""] = /(?:^|&)Action=(\w+)/.exec(String(body ?? "")) ?? [];
  // The report is made anew every time, and changes nothing.
  const isChange = !/^(Get(?!SessionToken)|List|Simulate|GenerateCredentialReport)/.test(action);
  if (action !== "" && (isChange || KILL_OF === "all")) {
    count += 1;
    fs.appendFileSync(KILL_LOG, `${action}\n`);
    if (count === Number(KILL_AT)) {
      if (KILL_WHEN === "asked") kill();
      this.prependListener("response", kill);
    }
  }
  return send.call(this, body, ...rest);
};
