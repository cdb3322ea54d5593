/** What may hurt when a migration meets a table with rows and traffic, each with the way around it. */
import type { Difference } from "../model/diff.ts";
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { items } from "../repair/clauses.ts";
import { columnFacts } from "../repair/columns.ts";
import { stated } from "../repair/state.ts";
import { memberOf, relationOf } from "../repair/way.ts";
import { holdsAll } from "../repair/widening.ts";

export type Danger = { what: string; instead: string };

type Finder = (difference: Difference, all: Difference[], catalogs: Both) => Danger[];
type Both = { expected: CatalogObject[]; actual: CatalogObject[] };

/** Differences of the declared schema from the history; what a new table brings along is under it and hurts nobody. */
export function dangersOf(differences: Difference[], catalogs: Both): Danger[] {
  return differences.flatMap((difference) => {
    if (difference.change === "renamed") return [];
    const { kind } = "expected" in difference ? difference.expected : difference.actual;
    return finders[kind]?.(difference, differences, catalogs) ?? [];
  });
}

const finders: Record<string, Finder> = {
  table(difference, all, catalogs) {
    if (difference.change !== "unexpected") return [];
    const columns = (objects: CatalogObject[], { kind, schema, name }: CatalogObject) =>
      objects
        .filter(
          (object) => object.kind === "column" && object.parent === keyOf({ kind, schema, name }),
        )
        .map((object) => `${memberOf(object)} ${object.definition}`)
        .sort()
        .join();
    const { actual } = difference;
    const twin = all
      .flatMap((other) =>
        other.change === "missing" && other.expected.kind === "table" ? [other.expected] : [],
      )
      .find((other) => columns(catalogs.expected, other) === columns(catalogs.actual, actual));
    return [
      {
        what: `drops table ${qualifiedName(actual)} with its rows`,
        instead: twin
          ? `${qualifiedName(twin)} has the same columns. If it is the same table: ALTER TABLE ${qualifiedName(actual)} RENAME TO ${twin.name};`
          : "Drop it in a later release than the code that used it.",
      },
    ];
  },

  column(difference, all) {
    if (difference.change === "unexpected") return [droppedColumn(difference.actual, all)];
    const { expected } = difference;
    const column = `${relationOf(expected)}.${memberOf(expected)}`;
    const wanted = columnFacts(expected);
    if (difference.change === "missing") {
      if (!wanted.notNull || wanted.hasValue) return [];
      return [
        {
          what: `adds column ${column}, NOT NULL and without a default: it fails on a table that has rows`,
          instead:
            "Add it with a default, or nullable; fill it; then set it NOT NULL in a later migration.",
        },
      ];
    }
    const found = columnFacts(difference.actual);
    return [
      ...(holdsAll(found.type, wanted.type)
        ? []
        : [
            {
              what: `changes the type of ${column} from ${found.type} to ${wanted.type}: the table may be rewritten under a lock, and values that do not fit fail or are cut`,
              instead:
                "Add a column of the new type, copy, and drop the old one in a later migration.",
            },
          ]),
      ...(wanted.notNull && !found.notNull
        ? [
            {
              what: `sets ${column} NOT NULL: the table is scanned under a lock, and NULLs make it fail`,
              instead: `ADD CONSTRAINT … CHECK (${memberOf(expected)} IS NOT NULL) NOT VALID, VALIDATE it in a migration of its own, then SET NOT NULL.`,
            },
          ]
        : []),
    ];
  },

  constraint(difference) {
    if (difference.change === "unexpected") return [];
    const { expected } = difference;
    const definition = stated(expected.definition).sql;
    const name = `${memberOf(expected)} on ${relationOf(expected)}`;
    if (definition.endsWith("NOT VALID")) return [];
    if (/^(CHECK|FOREIGN KEY)\b/.test(definition))
      return [
        {
          what: `adds constraint ${name}: every row is checked under a lock`,
          instead: `ALTER TABLE ${relationOf(expected)} ADD CONSTRAINT ${memberOf(expected)} ${definition} NOT VALID; and in a migration of its own: ALTER TABLE ${relationOf(expected)} VALIDATE CONSTRAINT ${memberOf(expected)};`,
        },
      ];
    return [
      {
        what: `adds constraint ${name}: its index is built under a lock`,
        instead:
          "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … USING INDEX.",
      },
    ];
  },

  index(difference) {
    if (difference.change === "unexpected") return [];
    const { sql } = stated(difference.expected.definition);
    if ("actual" in difference && sql === stated(difference.actual.definition).sql) return [];
    return [
      {
        what: `builds index ${qualifiedName(difference.expected)}, and nobody can write to the table meanwhile`,
        instead: `In a migration of its own, which must have this one statement: ${sql.replace(/ INDEX /, " INDEX CONCURRENTLY ")};`,
      },
    ];
  },

  enum(difference) {
    if (difference.change !== "changed") return [];
    const labels = (object: CatalogObject) => items(object.definition.replace(/^ENUM /, ""));
    const gone = labels(difference.actual).filter(
      (label) => !labels(difference.expected).includes(label),
    );
    if (gone.length === 0) return [];
    return [
      {
        what: `takes ${gone.join(", ")} from enum ${qualifiedName(difference.expected)}: rows that have it make it fail, and tables are rewritten`,
        instead: "If a label has a new name: ALTER TYPE … RENAME VALUE … TO …",
      },
    ];
  },
};

function droppedColumn(actual: CatalogObject, all: Difference[]): Danger {
  const { type } = columnFacts(actual);
  const twin = all
    .flatMap((other) =>
      other.change === "missing" && other.expected.kind === "column" ? [other.expected] : [],
    )
    .find((other) => other.parent === actual.parent && columnFacts(other).type === type);
  return {
    what: `drops column ${relationOf(actual)}.${memberOf(actual)} with its data`,
    instead: twin
      ? `${memberOf(twin)} is new and has the same type. If it is the same column: ALTER TABLE ${relationOf(actual)} RENAME ${memberOf(actual)} TO ${memberOf(twin)};`
      : "Drop it in a later release than the code that used it.",
  };
}
