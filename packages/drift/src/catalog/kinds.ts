/**
 * The kinds of object that are compared, each one SELECT.
 *
 * Where PostgreSQL prints a definition itself (`pg_get_*def`) that text is taken. Otherwise the text is what CREATE has
 * after the name. State that no such text shows (switched off, not valid, clustered, …) stands behind it, after "; ", as
 * what ALTER would say. There are no OIDs in the texts, and everything that has no order of its own is sorted. All
 * supported servers print the same. SQL is never parsed.
 */
import { attached } from "./kinds/attached.ts";
import { database } from "./kinds/database.ts";
import { foreign } from "./kinds/foreign.ts";
import { operators } from "./kinds/operators.ts";
import { routines } from "./kinds/routines.ts";
import { settledClocks, settledDefault, settledTypes } from "./kinds/settled-default.ts";
import { settledText } from "./kinds/settled-text.ts";
import { declaredParts, tableParts } from "./kinds/table-parts.ts";
import { tables } from "./kinds/tables.ts";
import { textSearch } from "./kinds/text-search.ts";
import { types } from "./kinds/types.ts";
import { withoutOnlyTable } from "./kinds/view-text.ts";
import { views } from "./kinds/views.ts";

/** Each a SELECT of (class, oid, sub, schema, name, parent, definition); the first three say where comments look for it. */
export const objectKinds = {
  ...database,
  ...tables,
  ...tableParts,
  ...views,
  ...routines,
  ...types,
  ...operators,
  ...textSearch,
  ...foreign,
} as const satisfies Record<string, string>;

/** The same of what counts only where it is declared. */
export const declaredKinds = declaredParts;

/** Each a SELECT of (schema, name, parent, definition). */
export const attachedKinds = attached;

export const kinds = { ...objectKinds, ...attachedKinds } as const satisfies Record<string, string>;

/** One text for what servers of different versions, or one server after the other's text was run, print differently. */
export function canonicalText(kind: string, definition: string): string {
  const text = settledText(VIEWS.has(kind) ? withoutOnlyTable(definition) : definition);
  if (TYPED.has(kind)) return settledDefault(settledTypes(text));
  return EXPRESSED.has(kind) ? settledClocks(text) : text;
}

/** They begin with a type, or list types. */
const TYPED = new Set(["column", "domain", "composite type"]);
/** They hold expressions as PostgreSQL prints them, and what is somebody's text in quotes. */
const EXPRESSED = new Set([
  ...["constraint", "domain constraint", "index", "statistics object", "trigger", "rule", "policy"],
  ...["view", "materialized view", "function", "procedure"],
]);
const VIEWS = new Set(["view", "materialized view"]);
