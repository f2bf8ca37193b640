// The text of a file in JSON or YAML, in which policies are found, and how its parts are changed.
import { type JsonText, type Path, readJson } from "../engine/json.ts";
import type { Patch } from "../lint/patch.ts";
import { patchText } from "./edit-json.ts";

/** A document: a file, or one of several in a YAML file. */
export interface Source extends JsonText {
  /** Which document of the file it is, from 1. */
  readonly number: number;
  /** The whole file, without the byte order mark. */
  readonly content: string;
  /** Returns the text of a value and its members; undefined if it cannot be changed alone. */
  readonly partAt: (path: Path) => Part | undefined;
  /** Returns what a text says that has this place, such as a policy in a string; undefined if it cannot be changed. */
  readonly stringAt: (path: Path) => Part | undefined;
}

/** A part of a file that is changed alone. */
export interface Part {
  /** Where it is in the file. */
  readonly span: readonly [start: number, end: number];
  readonly text: string;
  readonly language: Language;
  /** Returns what to write in the file for a changed text. */
  readonly write: (text: string) => string;
}

export interface Language {
  /** @throws SourceError */
  readonly read: (text: string) => JsonText;
  /** @throws PatchError if a change is not possible */
  readonly patch: (text: string, patch: Patch) => string;
}

export const json: Language = { read: readJson, patch: patchText };

/** @throws SourceError */
export function readJsonSource(text: string): Source {
  const { content, value, placeOf, spanOf } = readJson(text);
  const cut = (path: Path) => {
    const span = spanOf(path);
    return span && { span, text: content.slice(...span), language: json };
  };
  return {
    ...{ number: 1, content, value, placeOf },
    partAt(path) {
      const part = cut(path);
      return part && { ...part, write: (changed) => changed };
    },
    stringAt(path) {
      const part = cut(path);
      return part && { ...part, text: JSON.parse(part.text) as string, write: (changed) => JSON.stringify(changed) };
    },
  };
}
