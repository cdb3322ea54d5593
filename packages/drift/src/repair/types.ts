/** Domains, composite and range types, collations and casts. */
import { type CatalogObject, qualifiedName } from "../model/object.ts";
import { type Clauses, clauses, items } from "./clauses.ts";
import { memberOf, type Repair, relationOf, type Way, way } from "./way.ts";

const DOMAIN = ["AS", "COLLATE", "DEFAULT", "NOT NULL"] as const;

export const domain: Repair = {
  create: (object) => way(`CREATE DOMAIN ${qualifiedName(object)} ${object.definition}`),
  drop: (object) => way(`DROP DOMAIN ${qualifiedName(object)}`),
  alter(expected, actual) {
    const [wanted, found] = [
      clauses(expected.definition, DOMAIN),
      clauses(actual.definition, DOMAIN),
    ];
    const same = (keyword: string) => wanted.get(keyword) === found.get(keyword);
    if (!same("AS") || !same("COLLATE")) return [];
    const value = wanted.has("DEFAULT") ? `SET DEFAULT ${wanted.get("DEFAULT")}` : "DROP DEFAULT";
    return way(
      ...[
        ...(same("DEFAULT") ? [] : [value]),
        ...(same("NOT NULL") ? [] : [`${wanted.has("NOT NULL") ? "SET" : "DROP"} NOT NULL`]),
      ].map((action) => `ALTER DOMAIN ${qualifiedName(expected)} ${action}`),
    );
  },
};

export const domainConstraint: Repair = {
  create: (object) =>
    way(
      `ALTER DOMAIN ${relationOf(object)} ADD CONSTRAINT ${memberOf(object)} ${object.definition}`,
    ),
  drop: (object) => way(`ALTER DOMAIN ${relationOf(object)} DROP CONSTRAINT ${memberOf(object)}`),
  alter: (expected, actual) =>
    actual.definition === `${expected.definition} NOT VALID`
      ? way(`ALTER DOMAIN ${relationOf(expected)} VALIDATE CONSTRAINT ${memberOf(expected)}`)
      : [],
};

export const compositeType: Repair = {
  create: (object) => way(`CREATE TYPE ${qualifiedName(object)} ${object.definition}`),
  drop: (object) => way(`DROP TYPE ${qualifiedName(object)}`),
  /** A type that columns have cannot be dropped; attributes can be added at its end, dropped, and retyped. */
  alter(expected, actual, catalogs) {
    const [wanted, found] = [attributes(expected), attributes(actual)];
    // Tables of the type change with it; what else depends on it is not to go without a word.
    const isTables = [...catalogs.actual.values()].some(
      ({ kind, definition }) =>
        kind === "table" && ` ${definition} `.includes(` OF ${qualifiedName(actual)} `),
    );
    const dropped = [...found.keys()].filter((name) => !wanted.has(name));
    const actions = [
      ...dropped.map((name) => `DROP ATTRIBUTE ${name}`),
      ...[...wanted].flatMap(([name, type]) => {
        if (!found.has(name)) return [`ADD ATTRIBUTE ${name} ${type}`];
        return found.get(name) === type ? [] : [`ALTER ATTRIBUTE ${name} TYPE ${type}`];
      }),
    ].map((action) => (isTables ? `${action} CASCADE` : action));
    if (actions.length === 0) return [];
    const loss =
      dropped.length > 0 ? { destroys: "drops attributes of the type with their data" } : {};
    return [
      ...renamedAttribute(expected, actual, isTables),
      { sql: [`ALTER TYPE ${qualifiedName(expected)} ${actions.join(", ")}`], ...loss },
    ];
  },
};

/** Where all but the name of one are as they were. That it is the same only people know. */
function renamedAttribute(
  expected: CatalogObject,
  actual: CatalogObject,
  isTables: boolean,
): Way[] {
  const [wanted, found] = [[...attributes(expected)], [...attributes(actual)]];
  const other = wanted.filter(([name], place) => name !== found[place]?.[0]);
  const isSame = wanted.every(([, type], place) => type === found[place]?.[1]);
  const [[name] = [""]] = other;
  const [former] = found[wanted.findIndex(([one]) => one === name)] ?? [""];
  if (other.length !== 1 || !isSame || wanted.length !== found.length) return [];
  return [
    {
      sql: [
        `ALTER TYPE ${qualifiedName(expected)} RENAME ATTRIBUTE ${former} TO ${name}${isTables ? " CASCADE" : ""}`,
      ],
      destroys: `takes attribute ${former} for ${name}; if it is not the same, values get another meaning`,
    },
  ];
}

export const rangeType: Repair = {
  create: (object) => way(`CREATE TYPE ${qualifiedName(object)} ${object.definition}`),
  drop: (object) => way(`DROP TYPE ${qualifiedName(object)}`),
};

export const collation: Repair = {
  create: (object) => way(`CREATE COLLATION ${qualifiedName(object)} ${object.definition}`),
  drop: (object) => way(`DROP COLLATION ${qualifiedName(object)}`),
};

export const cast: Repair = {
  create: ({ name, definition }) => way(`CREATE CAST ${name} ${definition}`),
  drop: ({ name }) => way(`DROP CAST ${name}`),
};

/** Types by the names of their attributes, which are quoted where that is needed. */
function attributes({ definition }: CatalogObject): Clauses {
  return new Map(
    items(definition.replace(/^AS /, "")).map((attribute) => {
      const [name = ""] = /^("([^"]|"")*"|\S+)/.exec(attribute) ?? [];
      return [name, attribute.slice(name.length + 1)];
    }),
  );
}
