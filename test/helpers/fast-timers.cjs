// Preloaded into the built program (node --require): what would take a second or more takes a twentieth of that, in the
// same order, and time that is measured (performance.now) runs as much faster. The time of day stays what it is.
const { promisify } = require("node:util");
const promises = require("node:timers/promises");

const FACTOR = 20;
const shorter = (delay) => (delay >= 1000 ? delay / FACTOR : delay);

const real = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay, ...rest) => real(callback, shorter(delay), ...rest);
const later = promises.setTimeout;
promises.setTimeout = (delay, value, options) => later(shorter(delay), value, options);
globalThis.setTimeout[promisify.custom] = promises.setTimeout;

const now = performance.now.bind(performance);
performance.now = () => FACTOR * now();
