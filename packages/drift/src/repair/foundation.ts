/** What is not compared, and what is compared stands on: a key refers to a table that is ignored, or to one of another schema. */
import type pg from "pg";
import { readCatalog } from "../catalog/catalog.ts";
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import type { Reader } from "./trial.ts";

/** What can be stood on, with the parts of tables that keys and queries ask for. */
const WHOLES = [
  ...["schema", "table", "foreign table", "view", "materialized view", "sequence", "enum"],
  ...["domain", "composite type", "range type", "function", "collation"],
];
const UNIQUE = /^(PRIMARY KEY|UNIQUE|CREATE UNIQUE INDEX)\b/;
/** A name with its schema, as it stands in definitions and, without arguments, in keys. */
const NAME =
  /(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)\.(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)/gu;

/** @param beside what the live database has and nobody compares. Gives what of it the compared objects name, whole. */
export function foundation(
  beside: CatalogObject[],
  ...compared: CatalogObject[][]
): CatalogObject[] {
  if (beside.length === 0) return [];
  const named = new Set(compared.flat().flatMap(namesIn));
  const known = new Set(compared.flat().map(keyOf));
  const found = new Map<string, CatalogObject>();
  const take = (object: CatalogObject) => {
    found.set(keyOf(object), object);
    for (const name of namesIn(object)) named.add(name);
  };
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const object of beside) {
      if (found.has(keyOf(object))) continue;
      const isNamed = WHOLES.includes(object.kind) && named.has(bare(object));
      if (isNamed || isPart(object, found)) take(object);
    }
  }
  const schemas = new Set([...found.values()].map(({ schema }) => `schema ${schema}`));
  const around = beside.filter((one) => schemas.has(keyOf(one)) && !known.has(keyOf(one)));
  return [...around, ...found.values()];
}

/** Reads also those: a plan that makes them must see them. */
export function withFoundation(reader: Reader, stands: CatalogObject[]): Reader {
  if (stands.length === 0) return reader;
  const keys = new Set(stands.map(keyOf));
  const schemas = [...new Set(stands.map(({ schema, name }) => unquoted(schema || name)))];
  return async (client: pg.Client, prepare) => {
    const others = await readCatalog(client, schemas, { grants: false });
    const stood = others.filter((one) => keys.has(keyOf(one)));
    // A sequence is ignored with its table, and compared before that is there.
    const compared = (await reader(client, prepare)).filter((one) => !keys.has(keyOf(one)));
    return [...compared, ...stood];
  };
}

function isPart(object: CatalogObject, found: Map<string, CatalogObject>): boolean {
  if (!found.has(object.parent)) return false;
  if (object.kind === "column" || object.kind === "sequence") return true;
  return ["constraint", "index"].includes(object.kind) && UNIQUE.test(object.definition);
}

function namesIn({ kind, definition }: CatalogObject): string[] {
  // The body of a function may name what is not there yet.
  const text = kind === "function" ? definition.replace(/\bAS \$[\s\S]*$/, "") : definition;
  return text.match(NAME) ?? [];
}

function bare(object: CatalogObject): string {
  return qualifiedName(object).replace(/\([^()]*\)$/, "");
}

function unquoted(name: string): string {
  return name.replace(/^"(.*)"$/s, (_, inner: string) => inner.replaceAll('""', '"'));
}
