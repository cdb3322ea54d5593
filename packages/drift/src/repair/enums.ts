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
    const isNew = (label: string) => !found.includes(label);
    const isGone = (label: string) => !wanted.includes(label);
    const renamed = wanted.every(
      (label, i) => label === found[i] || (isNew(label) && isGone(found[i] ?? label)),
    );
    if (wanted.length === found.length && renamed) {
      const renames = wanted.flatMap((label, i) => (label === found[i] ? [] : [[found[i], label]]));
      return way(
        ...renames.map(([from, to]) => `ALTER TYPE ${name} RENAME VALUE ${from} TO ${to}`),
      );
    }
    const rebuilt = rebuild(expected, found.some(isGone), catalogs);
    const keepsOrder = wanted.filter((label) => !isNew(label)).join() === found.join();
    if (!keepsOrder) return [rebuilt];
    const added = wanted.flatMap((label, i) => {
      if (!isNew(label)) return [];
      // The first has nothing before it; every other comes after its neighbour, which is there by then.
      const place = i > 0 ? ` AFTER ${wanted[i - 1]}` : found[0] ? ` BEFORE ${found[0]}` : "";
      return [`ALTER TYPE ${name} ADD VALUE ${label}${place}`];
    });
    return [{ sql: added, usableAfterCommit: true }, rebuilt];
  },
};

function labelsOf(definition: string): string[] {
  return items(definition.replace(/^ENUM /, ""));
}

/** PostgreSQL takes no label away: a new type takes the old one's place in every column. */
function rebuild(object: CatalogObject, losesLabels: boolean, catalogs: Catalogs): Way {
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
    ...(losesLabels && { destroys: "drops labels of the enum; a row that has one makes it fail" }),
  };
}
