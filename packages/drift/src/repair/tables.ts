/** Tables, ordinary and foreign, and what is a property of them as a whole. */
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { type Clauses, clauses, items } from "./clauses.ts";
import { columnDefinition } from "./columns.ts";
import { optionActions, withOptions } from "./options.ts";
import { stateActions, stated } from "./state.ts";
import { type Catalogs, memberOf, type Repair, relationOf, unlessSecret, way } from "./way.ts";

const KEYWORDS = [
  "UNLOGGED",
  "TABLE",
  "FOREIGN TABLE",
  "OF",
  "PARTITION OF",
  "INHERITS",
  "FOR VALUES WITH",
  "FOR VALUES",
  "DEFAULT",
  "PARTITION BY",
  "USING",
  "WITH",
  "TABLESPACE",
  "SERVER",
  "OPTIONS",
] as const;

export const table: Repair = {
  create: (object, catalogs) => way(`CREATE ${text(object, catalogs)}`),

  drop: (object) => [
    { sql: [`DROP TABLE ${qualifiedName(object)}`], destroys: "drops the table with its rows" },
  ],

  rename: (expected, actual) => [
    {
      sql: [`ALTER TABLE ${qualifiedName(actual)} RENAME TO ${expected.name}`],
      destroys: `takes table ${qualifiedName(actual)} for ${qualifiedName(expected)}; if it is not the same, rows get another meaning`,
    },
  ],

  alter(expected, actual) {
    const [wanted, found] = [partsOf(expected), partsOf(actual)];
    const name = qualifiedName(expected);
    const differs = (keyword: string) => wanted.get(keyword) !== found.get(keyword);
    if (differs("PARTITION BY")) return []; // Only a new table can be split in another way.

    const actions = [
      ...(differs("UNLOGGED") ? [wanted.has("UNLOGGED") ? "SET UNLOGGED" : "SET LOGGED"] : []),
      ...(differs("USING") ? [`SET ACCESS METHOD ${wanted.get("USING") ?? "heap"}`] : []),
      ...(differs("TABLESPACE")
        ? [`SET TABLESPACE ${wanted.get("TABLESPACE") ?? "pg_default"}`]
        : []),
      ...(differs("OF") ? [wanted.has("OF") ? `OF ${wanted.get("OF")}` : "NOT OF"] : []),
      ...inheritance(wanted, found),
      ...optionActions(wanted.get("WITH"), found.get("WITH")),
      ...stateActions(stated(expected.definition).state, stated(actual.definition).state, undo),
    ];
    return way(
      ...attachment(name, wanted, found),
      // Each by itself: some are refused beside others.
      ...actions.map((action) => `ALTER TABLE ${name} ${action}`),
    );
  },
};

/** Its rows are elsewhere, so that making it anew loses nothing. */
export const foreignTable: Repair = {
  create: (object, catalogs) => unlessSecret(object, way(`CREATE ${text(object, catalogs)}`)),
  drop: (object) => way(`DROP FOREIGN TABLE ${qualifiedName(object)}`),
};

/** A table that leaves its parent keeps the parent's columns as its own, and has them as such when it comes back. */
export const ownColumn: Repair = {
  create({ parent }, { expected }) {
    const column = expected.get(parent);
    const table = column && expected.get(column.parent);
    const parents = table ? items(partsOf(table).get("INHERITS")) : [];
    return way(
      ...parents.flatMap((other) =>
        ["NO INHERIT", "INHERIT"].map(
          (action) => `ALTER TABLE ${column && relationOf(column)} ${action} ${other}`,
        ),
      ),
    );
  },
  drop: () => [],
};

/** True for a table whose columns come from another. */
export function isInherited(object: CatalogObject | undefined): boolean {
  if (!object) return false;
  const parts = partsOf(object);
  return parts.has("PARTITION OF") || parts.has("INHERITS");
}

function partsOf(object: CatalogObject): Clauses {
  return clauses(stated(object.definition).sql, KEYWORDS);
}

/** What follows CREATE. A partition takes its columns from its parent, a typed table from its type. */
function text(object: CatalogObject, { expected }: Catalogs): string {
  const parts = partsOf(object);
  const clause = (name: string) => (parts.has(name) ? ` ${name} ${parts.get(name)}` : "");
  const columns = [...expected.values()]
    .filter(({ kind, parent }) => kind === "column" && parent === keyOf(object))
    .map((column) => `\n  ${memberOf(column)} ${columnDefinition(column)}`);
  const body = parts.has("PARTITION OF")
    ? `${clause("PARTITION OF")} ${boundOf(parts)}`
    : clause("OF") || ` (${columns.join(",")}${columns.length > 0 ? "\n" : ""})`;
  return [
    parts.has("UNLOGGED") ? "UNLOGGED " : "",
    parts.has("FOREIGN TABLE") ? "FOREIGN TABLE " : "TABLE ",
    qualifiedName(object),
    body,
    ...["INHERITS", "PARTITION BY", "USING"].map(clause),
    withOptions(parts.get("WITH")),
    ...["TABLESPACE", "SERVER", "OPTIONS"].map(clause),
  ].join("");
}

function undo(state: string): string {
  if (state.startsWith("REPLICA IDENTITY")) return "REPLICA IDENTITY DEFAULT";
  return state.startsWith("FORCE") ? `NO ${state}` : state.replace(/^ENABLE/, "DISABLE");
}

function inheritance(wanted: Clauses, found: Clauses): string[] {
  const parents = items(wanted.get("INHERITS"));
  const present = items(found.get("INHERITS"));
  return [
    ...present
      .filter((parent) => !parents.includes(parent))
      .map((parent) => `NO INHERIT ${parent}`),
    ...parents.filter((parent) => !present.includes(parent)).map((parent) => `INHERIT ${parent}`),
  ];
}

/** Taken out of one partitioned table, and put into another or under another bound. */
function attachment(name: string, wanted: Clauses, found: Clauses): string[] {
  const [to, from] = [wanted.get("PARTITION OF"), found.get("PARTITION OF")];
  if (to === from && boundOf(wanted) === boundOf(found)) return [];
  return [
    ...(from ? [`ALTER TABLE ${from} DETACH PARTITION ${name}`] : []),
    ...(to ? [`ALTER TABLE ${to} ATTACH PARTITION ${name} ${boundOf(wanted)}`] : []),
  ];
}

function boundOf(parts: Clauses): string {
  const keyword = ["FOR VALUES WITH", "FOR VALUES", "DEFAULT"].find((word) => parts.has(word));
  return keyword ? `${keyword} ${parts.get(keyword)}`.trim() : "";
}
