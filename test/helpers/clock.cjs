// Preloaded into a program (node --require): its clock is wrong by as many seconds as the file CLOCK says, which may
// change at any time. Time that is only measured (performance.now, timers) goes on as it does.
const fs = require("node:fs");

const RealDate = Date;
const read = fs.readFileSync;
const now = () => RealDate.now() + 1000 * Number(read(process.env.CLOCK, "utf8"));

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now());
    else super(...args);
  }
  static now() {
    return now();
  }
};
