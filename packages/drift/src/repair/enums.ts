/** Enums. */
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { items } from "./clauses.ts";
import { columnParts } from "./columns.ts";
import { isInherited } from "./tables.ts";
import { type Catalogs, memberOf, type Repair, relationOf, type Way, way } from "./way.ts";

export const enumType: Repair = {
  create: (object) => way(`CREATE TYPE ${qualifiedName(object)} AS ${object.definition}`),
  drop: (object) => way(`DROP TYPE ${qualifiedName(object)}`),

  alter(expected, actual, catalogs) {
    const wanted = labelsOf(expected.definition);
    const found = labelsOf(actual.definition);
    const name = qualifiedName(expected);
    const gone = found.filter((label) => !wanted.includes(label));
    if (gone.length > 0)
      return [
        ...renamed(name, wanted, found),
        rebuild(expected, "drops labels of the enum; a row that has one makes it fail", catalogs),
      ];
    const added = additions(wanted, found).map(({ label, after }) => {
      const first = found[0] === undefined ? "" : ` BEFORE ${found[0]}`;
      return `ALTER TYPE ${name} ADD VALUE ${label}${after === null ? first : ` AFTER ${after}`}`;
    });
    const isInOrder = wanted.filter((label) => found.includes(label)).join() === found.join();
    // Who compares labels by their order asks for that; Prisma itself adds labels at the end.
    const inOrder = rebuild(expected, isInOrder ? undefined : ORDER, catalogs);
    return added.length > 0 ? [{ sql: added, usableAfterCommit: true }, inOrder] : [inOrder];
  },
};

export const ORDER = "rewrites the tables that have the enum, only for the order of its labels";

/** Enums with the same labels in another order: minor, and never changed without being asked for. */
export function isOrderAlone(expected?: CatalogObject, actual?: CatalogObject): boolean {
  if (expected?.kind !== "enum" || actual?.kind !== "enum") return false;
  const [wanted, found] = [expected, actual].map(({ definition }) => labelsOf(definition).sort());
  return wanted?.join() === found?.join();
}

/** One label in the place of another is a guess: nothing but a person knows whether it means the same. */
function renamed(name: string, wanted: string[], found: string[]): Way[] {
  const pairs = wanted.flatMap((label, i) => (label === found[i] ? [] : [[found[i] ?? "", label]]));
  const isRenamed = pairs.every(
    ([from = "", to = ""]) => !wanted.includes(from) && !found.includes(to),
  );
  if (wanted.length !== found.length || !isRenamed) return [];
  const taken = pairs.map(([from, to]) => `${from} for ${to}`).join(", ");
  return [
    {
      sql: pairs.map(([from, to]) => `ALTER TYPE ${name} RENAME VALUE ${from} TO ${to}`),
      destroys: `takes ${taken}; if it is not the same, rows get another meaning`,
    },
  ];
}

/** New labels, each after the one before it, which is there by then; null comes before all. */
export function additions(
  wanted: string[],
  found: string[],
): { label: string; after: string | null }[] {
  return wanted.flatMap((label, i) =>
    found.includes(label) ? [] : [{ label, after: wanted[i - 1] ?? null }],
  );
}

function labelsOf(definition: string): string[] {
  return items(definition.replace(/^ENUM /, ""));
}

/** PostgreSQL takes no label away: a new type takes the old one's place in every column. */
function rebuild(object: CatalogObject, destroys: string | undefined, catalogs: Catalogs): Way {
  const name = qualifiedName(object);
  const old = `${object.name.replace(/"$/, "")}_old${object.name.endsWith('"') ? '"' : ""}`;
  const columns = [...catalogs.actual.values()].filter(
    (object) =>
      object.kind === "column" &&
      [name, `${name}[]`].includes(columnParts(object).type) &&
      !isInherited(catalogs.actual.get(object.parent)),
  );
  const retype = columns.map((column) => {
    const member = memberOf(column);
    const { type, default: present } = columnParts(column);
    const wanted = catalogs.expected.get(keyOf(column));
    const value =
      wanted && columnParts(wanted).type === type ? columnParts(wanted).default : present;
    const actions = [
      ...(present === undefined ? [] : ["DROP DEFAULT"]),
      `TYPE ${type} USING ${member}::text${type.slice(name.length)}::${type}`,
      ...(value === undefined ? [] : [`SET DEFAULT ${value}`]),
    ];
    return `ALTER TABLE ${relationOf(column)} ${actions.map((action) => `ALTER COLUMN ${member} ${action}`).join(", ")}`;
  });
  return {
    sql: [
      `ALTER TYPE ${name} RENAME TO ${old}`,
      `CREATE TYPE ${name} AS ${object.definition}`,
      ...retype,
      `DROP TYPE ${object.schema}.${old}`,
    ],
    ...(destroys !== undefined && { destroys }),
  };
}
