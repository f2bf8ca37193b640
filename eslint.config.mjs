import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "test/interop/installed/", "**/*.mjs", "**/*.cjs", "bin/"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: "error",
      // Numbers in messages are durations, counts and line numbers; they print as they are.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `undefined` from a map or a regular expression is handled by `noUncheckedIndexedAccess`.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["test/**"],
    ignores: ["test/helpers/world.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        {
          object: "process",
          property: "execPath",
          message: "Tests run programs with `node` of test/helpers/world.ts.",
        },
      ],
    },
  },
);
