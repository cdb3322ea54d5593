/** Foreign data. An object whose definition hides a secret must be repaired by whoever knows that. */
import type { CatalogObject } from "../model/object.ts";
import { type Clauses, clauses, items, splitAt } from "./clauses.ts";
import { type Repair, unlessSecret, way } from "./way.ts";

const KEYWORDS = ["HANDLER", "VALIDATOR", "TYPE", "VERSION", "FOREIGN DATA WRAPPER", "OPTIONS"];

/** The definition begins with the word, and the name comes in behind it. */
const named = (word: string): Repair => ({
  create: (object) =>
    unlessSecret(
      object,
      way(`CREATE ${word} ${object.name}${object.definition.slice(word.length)}`),
    ),
  drop: ({ name }) => way(`DROP ${word} ${name}`),
  alter(expected, actual) {
    const [wanted, found] = [partsOf(expected, word), partsOf(actual, word)];
    const same = (keyword: string) => wanted.get(keyword) === found.get(keyword);
    if (!KEYWORDS.every((keyword) => ["VERSION", "OPTIONS"].includes(keyword) || same(keyword)))
      return [];
    const options = optionChanges(wanted.get("OPTIONS"), found.get("OPTIONS"));
    const ways = way(
      ...(same("VERSION") ? [] : [`VERSION ${wanted.get("VERSION") ?? "NULL"}`]),
      ...(options.length > 0 ? [`OPTIONS (${options.join(", ")})`] : []),
    );
    return ways.map(({ sql }) => ({
      sql: sql.map((action) => `ALTER ${word} ${expected.name} ${action}`),
      hidesSecret: options.some((option) => option.includes("'…'")),
    }));
  },
});

export const foreignDataWrapper = named("FOREIGN DATA WRAPPER");
export const foreignServer = named("SERVER");

export const userMapping: Repair = {
  create: ({ name }) => way(`CREATE USER MAPPING ${name}`),
  drop: ({ name }) => [
    { sql: [`DROP USER MAPPING ${name}`], destroys: "drops the login that it holds" },
  ],
};

function partsOf({ definition }: CatalogObject, word: string): Clauses {
  return clauses(
    definition.slice(word.length).trim(),
    KEYWORDS.filter((keyword) => keyword !== word),
  );
}

/** Each option is its name, quoted where needed, a space, and a literal. */
function optionChanges(wanted: string | undefined, found: string | undefined): string[] {
  const read = (list: string | undefined) =>
    new Map(items(list).map((item) => [splitAt(item, " ")[0] ?? "", item] as const));
  const [to, from] = [read(wanted), read(found)];
  return [
    ...[...from.keys()].filter((name) => !to.has(name)).map((name) => `DROP ${name}`),
    ...[...to].flatMap(([name, item]) => {
      if (from.get(name) === item) return [];
      return [`${from.has(name) ? "SET" : "ADD"} ${item}`];
    }),
  ];
}
