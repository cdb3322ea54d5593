/** What runs by itself on a relation: triggers, rules and policies. */
import type { CatalogObject } from "../model/object.ts";
import { stated } from "./state.ts";
import { memberOf, type Repair, relationOf, type Way, way } from "./way.ts";

export const trigger: Repair = {
  /** A partition's copy of a trigger is there already and only switched differently. */
  create: (object) => [...way(stated(object.definition).sql), ...fire(object, stateOf(object))],

  drop: (object) => [
    ...way(`DROP TRIGGER ${memberOf(object)} ON ${relationOf(object)}`),
    ...fire(object, stateOf(object) === "ENABLE" ? "DISABLE" : "ENABLE"),
  ],

  rename: (expected, actual) =>
    way(
      `ALTER TRIGGER ${memberOf(actual)} ON ${relationOf(expected)} RENAME TO ${memberOf(expected)}`,
    ),

  alter: (expected, actual) =>
    isSameText(expected, actual)
      ? fire(expected, stateOf(expected))
      : replaced(expected, "CREATE TRIGGER "),
};

export const rule: Repair = {
  create: (object) => way(stated(object.definition).sql),
  drop: (object) => way(`DROP RULE ${memberOf(object)} ON ${relationOf(object)}`),
  alter: (expected, actual) =>
    isSameText(expected, actual)
      ? way(`ALTER TABLE ${relationOf(expected)} ${stateOf(expected)} RULE ${memberOf(expected)}`)
      : replaced(expected, "CREATE RULE "),
};

export const policy: Repair = {
  create: (object) =>
    way(`CREATE POLICY ${memberOf(object)} ON ${relationOf(object)} ${object.definition}`),
  drop: (object) => way(`DROP POLICY ${memberOf(object)} ON ${relationOf(object)}`),
  rename: (expected, actual) =>
    way(
      `ALTER POLICY ${memberOf(actual)} ON ${relationOf(expected)} RENAME TO ${memberOf(expected)}`,
    ),
};

function isSameText(expected: CatalogObject, actual: CatalogObject): boolean {
  return stated(expected.definition).sql === stated(actual.definition).sql;
}

/** Constraint triggers cannot be replaced. */
function replaced(object: CatalogObject, create: string): Way[] {
  const { sql } = stated(object.definition);
  return sql.startsWith(create) ? way(sql.replace("CREATE ", "CREATE OR REPLACE ")) : [];
}

function stateOf(object: CatalogObject): string {
  return stated(object.definition).state[0] ?? "ENABLE";
}

function fire(object: CatalogObject, action: string): Way[] {
  return way(`ALTER TABLE ${relationOf(object)} ${action} TRIGGER ${memberOf(object)}`);
}
