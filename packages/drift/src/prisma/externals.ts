/** Tables and enums that Prisma's configuration says are managed by others: they can be queried, and no migration is about them. */

export type Externals = {
  /** With their schema where the Prisma schema lists its schemas, and else without. */
  tables: string[];
  enums: string[];
  /** What Prisma runs in its shadow database first, so that they are there; null where nothing is. */
  prelude: string | null;
};

export const NO_EXTERNALS: Externals = { tables: [], enums: [], prelude: null };

/** Their keys, without quotes. */
export function externalKeys({ tables, enums }: Externals, defaultSchema: string): string[] {
  const key = (kind: string, name: string) =>
    `${kind} ${name.includes(".") ? name : `${defaultSchema}.${name}`}`;
  return [...tables.map((name) => key("table", name)), ...enums.map((name) => key("enum", name))];
}

/** A model may stand for what is no plain table, too. */
const RELATION = /^(foreign table|materialized view|view) /;

/** Whether the object of a key is one of them. */
export function isExternal(keys: readonly string[]): (key: string) => boolean {
  const known = new Set(keys);
  if (known.size === 0) return () => false;
  return (key) => known.has(unquoted(key.replace(RELATION, "table ")));
}

function unquoted(key: string): string {
  return key.replace(/"((?:[^"]|"")+)"/g, (_, name: string) => name.replaceAll('""', '"'));
}
