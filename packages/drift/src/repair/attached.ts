/** What any object may have: a comment and an owner. Its name says whose it is: `on table public.users`. */
import type { CatalogObject } from "../model/object.ts";
import { splitAt } from "./clauses.ts";
import { literal, type Repair, type Way, way } from "./way.ts";

/** How statements call a kind where they do not call it by its name. */
export const WORDS: Record<string, string> = {
  enum: "TYPE",
  "composite type": "TYPE",
  "range type": "TYPE",
  "statistics object": "STATISTICS",
  "foreign server": "SERVER",
};

const MEMBERS = ["constraint", "trigger", "rule", "policy", "domain constraint"];

export const comment: Repair = {
  create: (object) => commentIs(object, object.definition),
  drop: (object) => commentIs(object, "NULL"),
  alter: (expected) => commentIs(expected, expected.definition),
};

export const owner: Repair = {
  create: (object) => ownedBy(object),
  drop: () => [],
  alter: (expected) => ownedBy(expected),
};

/** A statement about this database, whose name is not part of the schema: it comes in between. */
export function onThisDatabase(before: string, after: string): string {
  const format = `${before.replaceAll("%", "%%")} %I ${after.replaceAll("%", "%%")}`;
  return `DO $do$ BEGIN EXECUTE format(${literal(format)}, current_database()); END $do$`;
}

function commentIs(object: CatalogObject, text: string): Way[] {
  const { kind, name } = target(object.name.slice("on ".length));
  if (kind === "database") return way(onThisDatabase("COMMENT ON DATABASE", `IS ${text}`));
  return way(`COMMENT ON ${addressed(kind, name)} IS ${text}`);
}

function ownedBy(object: CatalogObject): Way[] {
  const { kind, name } = target(object.name.slice("of ".length));
  return way(`ALTER ${addressed(kind, name)} OWNER TO ${object.definition}`);
}

/** An object by the words of a statement; what belongs to a relation by its own name ON that of the relation. */
function addressed(kind: string, name: string): string {
  const word = WORDS[kind] ?? kind.toUpperCase();
  if (kind === "operator") return `${word} ${name.replace("(", " (")}`;
  if (kind === "aggregate") return `${word} ${name.replace(/\(\)$/, "(*)")}`;
  if (!MEMBERS.includes(kind)) return `${word} ${name}`;
  const { whole, member } = split(name);
  return kind === "domain constraint"
    ? `CONSTRAINT ${member} ON DOMAIN ${whole}`
    : `${word} ${member} ON ${whole}`;
}

export function target(key: string): { kind: string; name: string } {
  // The name begins where the words of the kind end: with a schema, a quote or a bracket, or it is the last word.
  const [kind = ""] =
    /^(database$|(foreign data wrapper|foreign (server|table)|materialized view|text search \w+|operator (class|family)|(composite|range) type|statistics object|event trigger|domain constraint|\w+)(?= ))/.exec(
      key,
    ) ?? [];
  return { kind, name: key.slice(kind.length + 1) };
}

export function split(name: string): { whole: string; member: string } {
  const pieces = splitAt(name, ".");
  return { whole: pieces.slice(0, -1).join("."), member: pieces.at(-1) ?? "" };
}
