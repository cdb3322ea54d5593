/** How an object of a kind is made, removed and changed. The planner picks ways by trying them; it reads no SQL. */
import type { CatalogObject } from "../model/object.ts";

/** Statements that belong together: all of them happen or none. */
export type Way = {
  sql: string[];
  /** What is lost for good, in words; such a way is taken only when no other leads on. */
  destroys?: string;
  /** A relation whose rows the way may have to rewrite. Whether it does, PostgreSQL tells when it is tried. */
  mayRewrite?: string;
  /** Then each of them is as it was, and the rewrite costs no more than time. */
  keepsValues?: boolean;
  /** What is lost, in words, where rows that are not written anew mean other values. */
  readsOtherwise?: string;
  /** What it makes cannot be used before the transaction has ended, as with a label added to an enum. */
  usableAfterCommit?: boolean;
  /** A secret stands in it as `…`: good enough for a copy, and for nothing else. */
  hidesSecret?: boolean;
};

/** Both sides of the repair, by key. */
export type Catalogs = {
  expected: ReadonlyMap<string, CatalogObject>;
  actual: ReadonlyMap<string, CatalogObject>;
  /** Keys of what is written down nowhere else. */
  only?: ReadonlySet<string>;
};

/** Each gives ways, the best first. What is not the same after one of them is a difference again and gets its own way. */
export type Repair = {
  create(object: CatalogObject, catalogs: Catalogs): Way[];
  drop(object: CatalogObject, catalogs: Catalogs): Way[];
  /** Without it, or where its ways fail, a change is a drop and a create. */
  alter?(expected: CatalogObject, actual: CatalogObject, catalogs: Catalogs): Way[];
  /** Gives the object the name of another of its kind. Without it, it is dropped and created. */
  rename?(expected: CatalogObject, actual: CatalogObject): Way[];
  /** Makes it out of an object of another kind that does the same. */
  from?(expected: CatalogObject, actual: CatalogObject): Way[];
};

/** One way of statements that destroy nothing; none where there is no statement. */
export function way(...sql: string[]): Way[] {
  return sql.length > 0 ? [{ sql }] : [];
}

/** The relation that an object belongs to, as SQL names it. A parent's key is its kind, a space and that name. */
export function relationOf({ schema, parent }: CatalogObject): string {
  return parent.slice(parent.indexOf(` ${schema}.`) + 1);
}

/** The name of a column, constraint, … within its relation. */
export function memberOf(object: CatalogObject): string {
  return object.name.slice(relationOf(object).length - object.schema.length);
}

/** A text as a literal of standard SQL, where a backslash is only itself. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The same ways, marked where the definition hides a secret. */
export function unlessSecret({ definition }: CatalogObject, ways: Way[]): Way[] {
  return definition.includes("'…'") ? ways.map((way) => ({ ...way, hidesSecret: true })) : ways;
}
