// YAML files, as `fob policy lint` and `fob policy simulate` read and change them. Loaded only for a file in YAML.
import { readYamlDocuments } from "./read-yaml.ts";
import type { Source } from "./source.ts";

/**
 * Reads the documents of a file.
 *
 * @throws SourceError
 */
export function readYamlSources(text: string): readonly Source[] {
  return readYamlDocuments(text).map(({ number, root, content, placeOf }) => ({
    ...{ number, value: root.value, content, placeOf },
    partAt: () => undefined,
    stringAt: () => undefined,
  }));
}
