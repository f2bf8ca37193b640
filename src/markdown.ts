// Text from an account or a file, in Markdown.
import { escapeControlCharacters } from "./text.ts";

/**
 * Escapes what would become markup, a link or a mention. GitHub makes links of bare addresses too:
 * https://github.github.com/gfm/#autolinks-extension-
 */
export function escapeMarkdown(text: string): string {
  return escapeControlCharacters(text)
    .replace(/[\\`*_{}[\]<>()#+!|~&@]/g, "\\$&")
    .replace(/:(?=\/\/)|(?<=www)\./gi, "\\$&");
}
