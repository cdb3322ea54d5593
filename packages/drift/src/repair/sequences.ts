/** Sequences, by themselves and behind identity columns. */
import { type CatalogObject, qualifiedName } from "../model/object.ts";
import { clauses } from "./clauses.ts";
import { type Catalogs, type Repair, way } from "./way.ts";

const SETTINGS = ["START", "INCREMENT", "MINVALUE", "MAXVALUE", "CACHE", "CYCLE"] as const;
const KEYWORDS = ["UNLOGGED", "SEQUENCE AS", ...SETTINGS, "OWNED BY"] as const;

export const sequence: Repair = {
  /** Without its owner, which may be there only later: its column's default can need the sequence first. */
  create(object, { expected }) {
    const kind = isUnlogged(object, expected) ? "UNLOGGED SEQUENCE" : "SEQUENCE";
    return way(`CREATE ${kind} ${qualifiedName(object)} ${settingsOf(object.definition)}`);
  },

  drop: (object) => [
    {
      sql: [`DROP SEQUENCE ${qualifiedName(object)}`],
      destroys: "drops the sequence with its position",
    },
  ],

  rename: (expected, actual) =>
    way(`ALTER SEQUENCE ${qualifiedName(actual)} RENAME TO ${expected.name}`),

  alter(expected, actual, catalogs) {
    const wanted = clauses(expected.definition, KEYWORDS);
    const found = clauses(actual.definition, KEYWORDS);
    const name = qualifiedName(expected);
    const settings = settingsOf(expected.definition);
    const unlogged = isUnlogged(expected, catalogs.expected);
    return way(
      ...(unlogged === isUnlogged(actual, catalogs.actual)
        ? []
        : [`ALTER SEQUENCE ${name} SET ${unlogged ? "UNLOGGED" : "LOGGED"}`]),
      ...(settings === settingsOf(actual.definition) ? [] : [`ALTER SEQUENCE ${name} ${settings}`]),
      ...(wanted.get("OWNED BY") === found.get("OWNED BY")
        ? []
        : [`ALTER SEQUENCE ${name} OWNED BY ${wanted.get("OWNED BY") ?? "NONE"}`]),
    );
  },
};

/** One that belongs to an unlogged table is unlogged with it, which its definition does not say. */
function isUnlogged({ definition }: CatalogObject, objects: Catalogs["actual"]): boolean {
  const parts = clauses(definition, KEYWORDS);
  const table = parts.get("OWNED BY")?.replace(/\.("(?:[^"]|"")*"|[^".]+)$/, "");
  const owner = objects.get(`table ${table}`)?.definition ?? "";
  return parts.has("UNLOGGED") || owner.startsWith("UNLOGGED ");
}

/** Every setting of a sequence, `(START 1 INCREMENT 1 …)`, each as its own option. */
export function sequenceSettings(list: string): string[] {
  const parts = clauses(list.replace(/^\(|\)$/g, ""), SETTINGS);
  return SETTINGS.map((keyword) => {
    if (keyword === "CYCLE") return parts.has(keyword) ? "CYCLE" : "NO CYCLE";
    return `${keyword} ${parts.get(keyword)}`;
  });
}

function settingsOf(definition: string): string {
  const parts = clauses(definition, KEYWORDS);
  const settings = SETTINGS.map((keyword) => `${keyword} ${parts.get(keyword) ?? ""}`.trim());
  return `AS ${parts.get("SEQUENCE AS")} ${sequenceSettings(
    settings.filter((setting) => setting !== "CYCLE" || parts.has("CYCLE")).join(" "),
  ).join(" ")}`;
}
