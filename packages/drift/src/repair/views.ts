/** Views of both kinds. */
import { type CatalogObject, qualifiedName } from "../model/object.ts";
import { type Clauses, clauses } from "./clauses.ts";
import { optionActions, withOptions } from "./options.ts";
import { stateActions, stated, undoColumnState } from "./state.ts";
import { type Repair, way } from "./way.ts";

/** WITH also begins a query, but not before its AS, after which nothing but the mark at the end is looked for. */
const KEYWORDS = ["USING", "WITH", "TABLESPACE", "AS", "WITH NO DATA"] as const;

export const view: Repair = {
  create: (object) => way(`CREATE VIEW ${text(object)}`),
  drop: (object) => way(`DROP VIEW ${qualifiedName(object)}`),
  alter: (expected, actual) =>
    stated(expected.definition).sql === stated(actual.definition).sql
      ? way(
          ...columnActions(expected, actual).map(
            (action) => `ALTER VIEW ${qualifiedName(expected)} ${action}`,
          ),
        )
      : way(`CREATE OR REPLACE VIEW ${text(expected)}`),
};

export const materializedView: Repair = {
  create: (object) => way(`CREATE MATERIALIZED VIEW ${text(object)}`),

  drop: (object) => way(`DROP MATERIALIZED VIEW ${qualifiedName(object)}`),

  alter(expected, actual) {
    const [wanted, found] = [partsOf(expected), partsOf(actual)];
    const differs = (keyword: string) => wanted.get(keyword) !== found.get(keyword);
    if (differs("AS")) return [];
    const name = qualifiedName(expected);
    const actions = [
      ...(differs("USING") ? [`SET ACCESS METHOD ${wanted.get("USING") ?? "heap"}`] : []),
      ...(differs("TABLESPACE")
        ? [`SET TABLESPACE ${wanted.get("TABLESPACE") ?? "pg_default"}`]
        : []),
      ...optionActions(wanted.get("WITH"), found.get("WITH")),
      ...columnActions(expected, actual),
    ];
    const data = wanted.has("WITH NO DATA") ? " WITH NO DATA" : "";
    return way(
      ...actions.map((action) => `ALTER MATERIALIZED VIEW ${name} ${action}`),
      ...(differs("WITH NO DATA") ? [`REFRESH MATERIALIZED VIEW ${name}${data}`] : []),
    );
  },
};

function partsOf(object: CatalogObject): Clauses {
  return clauses(stated(object.definition).sql, KEYWORDS);
}

function text(object: CatalogObject): string {
  const parts = partsOf(object);
  const clause = (name: string) => (parts.has(name) ? ` ${name} ${parts.get(name)}` : "");
  const data = parts.has("WITH NO DATA") ? "\nWITH NO DATA" : "";
  return `${qualifiedName(object)}${clause("USING")}${withOptions(parts.get("WITH"))}${clause("TABLESPACE")} AS\n${parts.get("AS")}${data}`;
}

function columnActions(expected: CatalogObject, actual: CatalogObject): string[] {
  return stateActions(
    stated(expected.definition).state,
    stated(actual.definition).state,
    undoColumnState,
  );
}
