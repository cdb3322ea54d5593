/**
 * Where an object is declared. Which file, the replay knows for certain: the last one that changed the object. The line
 * is looked up in the text of that file, and there is none where the text does not tell.
 */

import type { Script } from "../database/replay.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { lineInPrismaSchema } from "./prisma-lines.ts";

export type Place = { path: string; line: number | null };

/** The names to look for: the object's own, and that of the object it belongs to, if that is no schema. */
export type Names = { kind: string; own: string; owner: string | null };

/** @param declaredIn path of the script that declares an object, by its key. */
export function placesOf(
  objects: CatalogObject[],
  declaredIn: Map<string, string>,
  scripts: Script[],
): Map<string, Place> {
  const byPath = new Map(scripts.map((script) => [script.path, script]));
  const places = new Map<string, Place>();
  for (const object of objects) {
    const path = declaredIn.get(keyOf(object));
    if (path !== undefined) places.set(keyOf(object), placeIn(byPath.get(path), path, object));
  }
  return places;
}

/** The place in the text of a script; without the text, the file alone. */
export function placeIn(script: Script | undefined, path: string, object: CatalogObject): Place {
  const names = namesOf(object);
  if (!script) return { path, line: null };
  if (!script.sources) return { path, line: lineInSql(script.sql, names) };
  return lineInPrismaSchema(script.sources, names) ?? { path, line: null };
}

/**
 * The last parts of the names, as a person writes them: `public.users."Id"` is Id, `public.slug(text)` is slug. What is
 * attached to an object, such as a comment or a grant, is looked for under the name of that.
 */
export function namesOf({
  kind,
  name,
  parent,
}: Pick<CatalogObject, "kind" | "name" | "parent">): Names {
  const [, target] = /^on [^(]*?([^ (]+)(?:\(.*\))?(?: to .*)?$/.exec(name) ?? [];
  if (target !== undefined) return { kind, own: lastPart(target), owner: null };
  const isInSchema = parent === "" || parent.startsWith("schema ");
  return { kind, own: lastPart(name), owner: isInSchema ? null : lastPart(parent) };
}

/**
 * The first line that declares the name, in a statement that is about its owner. What ends a statement is, near enough,
 * a line that ends in a semicolon; comments and DROP declare nothing.
 */
export function lineInSql(sql: string, names: Names): number | null {
  const { declares, about } = patternsOf(names);
  const lines = sql.split(/\r?\n/).map((line) => line.replace(/^\s*(--|DROP\b).*/i, ""));
  let start = 0;
  for (const [index, line] of lines.entries()) {
    if (!/;\s*(--.*)?$/.test(line) && index < lines.length - 1) continue;
    const statement = lines.slice(start, index + 1);
    const found = statement.findIndex((line) => declares.test(line));
    if (found >= 0 && about.test(statement.join("\n"))) return start + found + 1;
    start = index + 1;
  }
  return null;
}

/** What a line must look like to declare the name, and not only to use it, and what its statement must look like. */
function patternsOf({ kind, own, owner }: Names): { declares: RegExp; about: RegExp } {
  const name = word(own);
  if (owner === null)
    return {
      declares: new RegExp(`\\b(?i:${kind.split(" ").at(-1)}|TYPE)\\b[^(;]*${name}`),
      about: /(?:)/,
    };
  if (kind !== "column") return { declares: new RegExp(name), about: new RegExp(word(owner)) };
  // Many statements name a column; those that declare it have a type or an ALTER behind the name.
  const before = `(^|,|\\b(?i:ADD|ALTER|COLUMN|EXISTS)\\s|\\b(?i:TABLE)\\b[^(]*\\()`;
  const after = `\\s+(?!(?i:IS|IN|AND|OR|NOT|LIKE|BETWEEN)\\b)["\\w]`;
  return {
    declares: new RegExp(`${before}\\s*${name}${after}`),
    about: new RegExp(`\\b(?i:TABLE)\\b[^(;]*${word(owner)}`),
  };
}

/** The name as SQL writes it: without quotes in any case where it is all small, else in quotes as it is. */
function word(name: string): string {
  const quoted = `"${name.replaceAll('"', '""').replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}"`;
  return /^[a-z_][a-z0-9_$]*$/.test(name)
    ? `(?:${quoted}|(?<![\\w$"])(?i:${name.replaceAll("$", "\\$")})(?![\\w$"]))`
    : quoted;
}

function lastPart(name: string): string {
  const withoutArguments = name.replace(/\(.*\)$/, "");
  const last = /(?:"((?:[^"]|"")*)"|([^."]+))$/.exec(withoutArguments);
  return last?.[1]?.replaceAll('""', '"') ?? last?.[2] ?? withoutArguments;
}
