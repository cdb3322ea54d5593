/** Who may do what: grants by name, `on table public.users to PUBLIC`, and those that later objects get. */
import type { CatalogObject } from "../model/object.ts";
import { onThisDatabase, split, target, WORDS } from "./attached.ts";
import { clauses } from "./clauses.ts";
import { type Repair, way } from "./way.ts";

type Verb = "GRANT" | "REVOKE";

const OPTION = " WITH GRANT OPTION";
const RELATIONS = ["table", "view", "materialized view", "foreign table", "column"];

export const grant: Repair = {
  create: (object) => way(...granting(object, privilegesOf(object))),
  drop: (object) => way(...revoking(object, privilegesOf(object))),
  alter(expected, actual) {
    const [wanted, found] = [privilegesOf(expected), privilegesOf(actual)];
    return way(
      ...revoking(
        actual,
        found.filter((privilege) => !wanted.includes(privilege)),
      ),
      ...granting(
        expected,
        wanted.filter((privilege) => found.includes("ALL") || !found.includes(privilege)),
      ),
    );
  },
};

export const defaultPrivilege: Repair = {
  create: (object) => way(...defaults(object, "GRANT"), ...defaults(object, "REVOKE")),
  drop: (object) => way(...defaults(object, "GRANT", true), ...defaults(object, "REVOKE", true)),
};

function privilegesOf({ definition }: CatalogObject): string[] {
  return definition.split(", ");
}

function granting(object: CatalogObject, privileges: string[]): string[] {
  return byOption(privileges).map(({ names, option }) => sentence(object, "GRANT", names, option));
}

function revoking(object: CatalogObject, privileges: string[]): string[] {
  if (privileges.length === 0) return [];
  return [
    sentence(
      object,
      "REVOKE",
      privileges.map((privilege) => privilege.replace(OPTION, "")),
    ),
  ];
}

/** The option is one of the whole statement. */
function byOption(privileges: string[]): { names: string[]; option: string }[] {
  return ["", OPTION]
    .map((option) => ({
      names: privileges
        .filter((privilege) => privilege.endsWith(OPTION) === (option !== ""))
        .map((privilege) => privilege.replace(OPTION, "")),
      option,
    }))
    .filter(({ names }) => names.length > 0);
}

function sentence(object: CatalogObject, verb: Verb, privileges: string[], option = ""): string {
  const to = object.name.lastIndexOf(" to ");
  const { kind, name } = target(object.name.slice("on ".length, to));
  const towards = `${verb === "GRANT" ? "TO" : "FROM"} ${object.name.slice(to + " to ".length)}${option}`;
  if (kind === "database")
    return onThisDatabase(`${verb} ${privileges.join(", ")} ON DATABASE`, towards);
  if (kind !== "column")
    return `${verb} ${privileges.join(", ")} ON ${wordOf(kind)} ${name} ${towards}`;
  const { whole, member } = split(name);
  const columns = privileges.map((privilege) => `${privilege} (${member})`);
  return `${verb} ${columns.join(", ")} ON TABLE ${whole} ${towards}`;
}

function wordOf(kind: string): string {
  if (RELATIONS.includes(kind)) return "TABLE";
  if (kind === "aggregate") return "FUNCTION";
  if (kind === "domain") return "TYPE";
  return kind === "foreign server" ? "FOREIGN SERVER" : (WORDS[kind] ?? kind.toUpperCase());
}

/** The statements that give, or take back, what one verb of the definition lists. */
function defaults(object: CatalogObject, verb: Verb, undo = false): string[] {
  const parts = clauses(object.name, ["for role", "in schema", "on", "to"]);
  const reach = ["for role", "in schema"].flatMap((word) =>
    parts.has(word) ? [`${word.toUpperCase()} ${parts.get(word)}`] : [],
  );
  const lists = object.definition.split("; ").filter((list) => list.startsWith(verb));
  const grants = (verb === "GRANT") !== undo;
  return lists.flatMap((list) =>
    byOption(list.slice(verb.length + 1).split(", ")).map(({ names, option }) =>
      [
        "ALTER DEFAULT PRIVILEGES",
        ...reach,
        grants ? "GRANT" : "REVOKE",
        names.join(", "),
        `ON ${parts.get("on")?.toUpperCase()}`,
        grants ? "TO" : "FROM",
        `${parts.get("to")}${grants ? option : ""}`,
      ].join(" "),
    ),
  );
}
