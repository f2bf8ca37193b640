/** Whether tables are tried to their end, as `npm run test:long` does; `npm test` takes a few of each. */
export const isBroad = process.env.FOB_TEST_BROAD === "1";

/** Whether what takes minutes is tried to its end, as `npm run test:complete` does. */
export const isComplete = process.env.FOB_TEST_COMPLETE === "1";

/** The first few of a table, or all of it. */
export const someOf = <T>(table: readonly T[], few: number): readonly T[] => (isBroad ? table : table.slice(0, few));

/** How often a property is tried. */
export const numRunsOf = (broad: number): number => (isBroad ? broad : Math.ceil(broad / 8));
