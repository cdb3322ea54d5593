/** Functions, procedures and aggregates. */
import { qualifiedName } from "../model/object.ts";
import { type Repair, way } from "./way.ts";

/** PostgreSQL prints the very statement that makes them. */
const routine = (word: string): Repair => ({
  create: (object) => way(object.definition.trimEnd()),
  drop: (object) => way(`DROP ${word} ${qualifiedName(object)}`),
  alter: (expected) => way(expected.definition.trimEnd()),
});

export const procedure = routine("PROCEDURE");
export const func = routine("FUNCTION");

export const aggregate: Repair = {
  create(object) {
    const name = qualifiedName(object);
    return way(`CREATE AGGREGATE ${name.slice(0, name.lastIndexOf("("))} ${object.definition}`);
  },
  drop: (object) => way(`DROP AGGREGATE ${qualifiedName(object).replace(/\(\)$/, "(*)")}`),
};
