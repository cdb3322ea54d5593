/** Tables, ordinary and foreign, and what is a property of them as a whole. */
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { type Clauses, clauses, items } from "./clauses.ts";
import { columnDefinition } from "./columns.ts";
import { optionActions, withOptions } from "./options.ts";
import { stateActions, stated } from "./state.ts";
import { type Catalogs, memberOf, type Repair, unlessSecret, way } from "./way.ts";

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

  alter(expected, actual, catalogs) {
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
      ...rulesOf(gained(wanted, found), name, catalogs),
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

/** A table that leaves its parent keeps the parent's columns and CHECKs as its own, and has them as such when it comes back. */
export const ownPart: Repair = {
  create({ parent }, { expected, actual }) {
    const owner = expected.get(parent);
    const table = owner?.kind === "column" ? expected.get(owner.parent) : owner;
    const present = table && actual.get(keyOf(table));
    if (!table || !present) return [];
    const parents = parentsOf(partsOf(present));
    return way(
      ...parentsOf(partsOf(table))
        .filter((other) => parents.includes(other))
        .flatMap((other) =>
          ["NO INHERIT", "INHERIT"].map(
            (action) => `ALTER TABLE ${qualifiedName(table)} ${action} ${other}`,
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
  const parents = items(parts.get("INHERITS"));
  const columns = [...expected.values()]
    .filter(({ kind, parent }) => kind === "column" && parent === keyOf(object))
    .filter((column) => !isOnlyInherited(column, parents, expected))
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

/** One that a table has of its parent alone goes when the parent's does; written out it would be its own as well. */
function isOnlyInherited(
  column: CatalogObject,
  parents: string[],
  all: Catalogs["expected"],
): boolean {
  return (
    !all.has(`own ${keyOf(column)}`) &&
    parents.some((parent) => all.has(`column ${parent}.${memberOf(column)}`))
  );
}

/** Parents that a table has not yet. */
function gained(wanted: Clauses, found: Clauses): string[] {
  const present = parentsOf(found);
  return parentsOf(wanted).filter((parent) => !present.includes(parent));
}

function parentsOf(parts: Clauses): string[] {
  return [...items(parts.get("INHERITS")), ...items(parts.get("PARTITION OF"))];
}

/** No table comes to a parent without the CHECKs of that. It kept them when it left, and nobody had declared them for it. */
function rulesOf(
  parents: string[],
  name: string,
  { expected, actual }: Pick<Catalogs, "expected" | "actual">,
): string[] {
  return [...expected.values()]
    .filter(
      ({ kind, parent }) =>
        kind === "constraint" && parents.some((one) => parent === `table ${one}`),
    )
    .filter(({ definition }) => /^CHECK (?!.*\bNO INHERIT\b)/s.test(definition))
    .filter((rule) => !actual.has(`constraint ${name}.${memberOf(rule)}`))
    .map(
      (rule) =>
        `ALTER TABLE ${name} ADD CONSTRAINT ${memberOf(rule)} ${stated(rule.definition).sql}`,
    );
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
