/** Operators with their classes and families, and text search. */
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { clauses, splitAt } from "./clauses.ts";
import { stateActions, stated } from "./state.ts";
import { type Repair, type Way, way } from "./way.ts";

export const operator: Repair = {
  create: (object) => {
    const name = qualifiedName(object);
    return way(`CREATE OPERATOR ${name.slice(0, name.indexOf("("))} ${object.definition}`);
  },
  drop: (object) => way(`DROP OPERATOR ${qualifiedName(object).replace("(", " (")}`),
};

/** Made without members: those of a class come with it, and what is then still missing is added. */
export const operatorFamily: Repair = {
  create: (object) => way(`CREATE OPERATOR FAMILY ${qualifiedName(object)}`),
  drop: (object) => way(`DROP OPERATOR FAMILY ${qualifiedName(object)}`),
  alter(expected, actual) {
    const [wanted, found] = [members(expected), members(actual)];
    const change = `ALTER OPERATOR FAMILY ${qualifiedName(expected)}`;
    return way(
      ...found
        .filter((member) => !wanted.includes(member))
        .map((member) => `${change} DROP ${withoutTarget(member)}`),
      ...wanted
        .filter((member) => !found.includes(member))
        .map((member) => `${change} ADD ${member}`),
    );
  },
};

const CLASS = ["DEFAULT", "FOR TYPE", "FAMILY", "STORAGE"] as const;

export const operatorClass: Repair = {
  create(object, { expected }) {
    const parts = clauses(object.definition, CLASS);
    const type = parts.get("FOR TYPE") ?? "";
    const family = [...expected.values()].find((other) => keyOf(other) === object.parent);
    const own = (family ? members(family) : []).filter((member) =>
      member.replaceAll(", ", ",").includes(`(${type},${type})`),
    );
    const storage = parts.has("STORAGE") ? [`STORAGE ${parts.get("STORAGE")}`] : [];
    const [name, method] = qualifiedName(object).split(" USING ");
    const create = `CREATE OPERATOR CLASS ${name} ${parts.has("DEFAULT") ? "DEFAULT " : ""}FOR TYPE ${type} USING ${method} FAMILY ${object.schema}.${parts.get("FAMILY")} AS ${[...own, ...storage].join(", ")}`;
    // Where its members are in the family already, they have to come out to come in with the class.
    const loose = own.map(
      (member) =>
        `ALTER OPERATOR FAMILY ${object.parent.slice("operator family ".length)} DROP ${withoutTarget(member)}`,
    );
    return [...way(create), ...way(...loose, create)];
  },
  drop: (object) => way(`DROP OPERATOR CLASS ${qualifiedName(object)}`),
};

export const textSearchConfiguration: Repair = {
  create: (object) =>
    way(
      `CREATE TEXT SEARCH CONFIGURATION ${qualifiedName(object)} ${stated(object.definition).sql}`,
    ),
  drop: (object) => way(`DROP TEXT SEARCH CONFIGURATION ${qualifiedName(object)}`),
  alter(expected, actual) {
    const [wanted, found] = [stated(expected.definition), stated(actual.definition)];
    if (wanted.sql !== found.sql) return [];
    const undo = (mapping: string) => mapping.replace(/^ADD (MAPPING FOR \S+) .*$/, "DROP $1");
    // A mapping that is there is altered, not added.
    const kept = new Set(found.state.map(undo));
    const actions = stateActions(wanted.state, found.state, undo).map((action) =>
      kept.has(undo(action)) && action.startsWith("ADD ")
        ? action.replace("ADD ", "ALTER ")
        : action,
    );
    return way(
      ...actions.map(
        (action) => `ALTER TEXT SEARCH CONFIGURATION ${qualifiedName(expected)} ${action}`,
      ),
    );
  },
};

export const textSearchDictionary = plain("TEXT SEARCH DICTIONARY");
export const textSearchParser = plain("TEXT SEARCH PARSER");
export const textSearchTemplate = plain("TEXT SEARCH TEMPLATE");

/** A kind whose definition follows its name in CREATE. */
export function plain(word: string): Repair {
  const create = (object: CatalogObject): Way[] =>
    way(`CREATE ${word} ${qualifiedName(object)} ${object.definition}`);
  return { create, drop: (object) => way(`DROP ${word} ${qualifiedName(object)}`) };
}

function members({ definition }: CatalogObject): string[] {
  const list = definition.replace(/^FAMILY ?/, "");
  return list === "" ? [] : splitAt(list, ",");
}

/** `OPERATOR 1 public.<(integer,integer)` is dropped as `OPERATOR 1 (integer,integer)`. */
function withoutTarget(member: string): string {
  const types = member.indexOf("(");
  return `${member.split(" ").slice(0, 2).join(" ")} ${member.slice(types, member.indexOf(")", types) + 1)}`;
}
