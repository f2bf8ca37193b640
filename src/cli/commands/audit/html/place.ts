// Where a part of the page stands. In a report of many accounts each has its own ids, and headings one level lower.
import { html, type Markup } from "../../../../html.ts";

export interface Place {
  /** What ids begin with. */
  readonly prefix: string;
  /** The level of the headings of parts. */
  readonly level: number;
}

export const onlyAccount: Place = { prefix: "", level: 2 };

/** @param index of the account in the report */
export const placeOf = (index: number): Place => ({ prefix: `account-${index + 1}-`, level: 3 });

/** The beginning of a part, with its heading. */
export const openSection = (id: string, title: string, { prefix, level }: Place): Markup =>
  html`<section aria-labelledby="${prefix}${id}">
<h${level} id="${prefix}${id}">${title}</h${level}>`;
