// What is bundled as text: the scripts for shells, and what is imported with ?raw, as Vite has it, which runs the tests.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const suffix = "?raw";

/** Options of the bundler. */
export const texts = {
  moduleTypes: { ".sh": "text", ".bash": "text", ".zsh": "text", ".fish": "text", ".ps1": "text" },
  plugins: [
    {
      name: "texts",
      resolveId: (id, importer) => (id.endsWith(suffix) ? join(dirname(importer), id) : undefined),
      load: (id) =>
        id.endsWith(suffix)
          ? `export default ${JSON.stringify(readFileSync(id.slice(0, -suffix.length), "utf8"))}`
          : undefined,
    },
  ],
};
