import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { minutes, shared } from "./vitest.config.mts";

/** What takes a minute begins first: begun last, it would run alone. */
class LongestFirst extends BaseSequencer {
  private readonly longest = /long\/(administrators-page|kills|launcher|serving)\.test\.ts$/;

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => this.longest.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Of their tables, npm test takes a few.
const broad = [
  "files/edit",
  "credential-process/config-line",
  "network/secrets",
  "scripts/command-line",
  "scripts/completion",
  "scripts/man-page",
  "scripts/pages",
];

// What takes minutes: kills and faults at every call, storms, programs in other languages. `npm run test:long`
export default defineConfig({
  test: {
    ...shared,
    include: ["test/long/**/*.test.ts", "test/interop/**/*.test.ts", ...broad.map((name) => `test/${name}.test.ts`)],
    exclude: minutes,
    env: { ...shared.env, FOB_TEST_BROAD: "1" },
    sequence: { sequencer: LongestFirst },
    // Programs wait for a minute at most: what starts 200 of them needs most of the machine.
    maxWorkers: 3,
    hookTimeout: 120_000,
  },
});
