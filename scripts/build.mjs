// Bundles src/main.ts into dist/ as CommonJS files that load one another only when they are needed.
//
// CommonJS, because Node starts it faster than ES modules; several files, because parsing the SDK and the prompts for
// an answer that needs neither costs more than everything else. esbuild splits only ES modules, so this takes two
// steps: bundle and split as ES modules, then turn each file into CommonJS, `import()` into a lazy `require`.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

/** commander loads child_process for subcommands that are programs of their own, of which fob has none: 4 ms a start. */
const lazyChildProcess = {
  name: "lazy-child-process",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]node_modules[\\/]commander[\\/]/.test(importer) ? { path: "child_process", namespace: "lazy" } : undefined,
    );
    onLoad({ filter: /./, namespace: "lazy" }, () => ({
      contents: 'exports.spawn = (...args) => require("node:child_process").spawn(...args);',
    }));
  },
};

const bundle = await build({
  absWorkingDir: root,
  entryPoints: { fob: "src/main.ts" },
  outdir: "dist",
  bundle: true,
  splitting: true,
  write: false,
  format: "esm",
  platform: "node",
  target: "node20",
  mainFields: ["module", "main"],
  chunkNames: "[name]-[hash]",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  plugins: [lazyChildProcess],
});

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const file of bundle.outputFiles) {
  const { code } = await transform(file.text, {
    format: "cjs",
    platform: "node",
    target: "node20",
    supported: { "dynamic-import": false },
    minify: true,
  });
  writeFileSync(file.path, code);
}
