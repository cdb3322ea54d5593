/** What belongs to the database as a whole. */
import { onThisDatabase } from "./attached.ts";
import { type Clauses, clauses, splitAt } from "./clauses.ts";
import { stated } from "./state.ts";
import { type Repair, unlessSecret, way } from "./way.ts";

export const schema: Repair = {
  create: ({ name }) => way(`CREATE SCHEMA IF NOT EXISTS ${name}`),
  drop: ({ name }) => way(`DROP SCHEMA ${name}`),
};

const EXTENSION = ["VERSION", "SCHEMA"] as const;

export const extension: Repair = {
  create({ name, definition }) {
    const parts = clauses(definition, EXTENSION);
    const version = parts.has("VERSION") ? ` VERSION ${parts.get("VERSION")}` : "";
    return way(`CREATE EXTENSION ${name} WITH SCHEMA ${parts.get("SCHEMA")}${version}`);
  },

  drop: ({ name }) => [
    { sql: [`DROP EXTENSION ${name}`], destroys: "drops the extension with whatever it keeps" },
  ],

  alter(expected, actual) {
    const [wanted, found] = [
      clauses(expected.definition, EXTENSION),
      clauses(actual.definition, EXTENSION),
    ];
    const differs = (keyword: string) => wanted.get(keyword) !== found.get(keyword);
    const version = wanted.has("VERSION") ? `UPDATE TO ${wanted.get("VERSION")}` : "UPDATE";
    return way(
      ...[
        ...(differs("SCHEMA") ? [`SET SCHEMA ${wanted.get("SCHEMA")}`] : []),
        ...(differs("VERSION") ? [version] : []),
      ].map((action) => `ALTER EXTENSION ${expected.name} ${action}`),
    );
  },
};

export const eventTrigger: Repair = {
  create: ({ name, definition }) => way(`CREATE EVENT TRIGGER ${name} ${stated(definition).sql}`),
  drop: ({ name }) => way(`DROP EVENT TRIGGER ${name}`),
  alter(expected, actual) {
    const [wanted, found] = [stated(expected.definition), stated(actual.definition)];
    if (wanted.sql !== found.sql) return [];
    return way(`ALTER EVENT TRIGGER ${expected.name} ${wanted.state[0] ?? "ENABLE"}`);
  },
};

const PUBLICATION = ["FOR", "WITH"] as const;

export const publication: Repair = {
  create({ name, definition }) {
    const parts = clauses(definition, PUBLICATION);
    const members = parts.has("FOR") ? ` FOR ${membersOf(parts)}` : "";
    return way(`CREATE PUBLICATION ${name}${members} WITH ${parts.get("WITH")}`);
  },
  drop: ({ name }) => way(`DROP PUBLICATION ${name}`),
  alter(expected, actual) {
    const [wanted, found] = [
      clauses(expected.definition, PUBLICATION),
      clauses(actual.definition, PUBLICATION),
    ];
    const change = `ALTER PUBLICATION ${expected.name} SET`;
    return way(
      ...(wanted.get("FOR") === found.get("FOR") ? [] : [`${change} ${membersOf(wanted)}`]),
      ...(wanted.get("WITH") === found.get("WITH") ? [] : [`${change} ${wanted.get("WITH")}`]),
    );
  },
};

/** A table would bring those that inherit from it, which are listed themselves. */
function membersOf(parts: Clauses): string {
  const members = splitAt(parts.get("FOR") ?? "", ",");
  return members.map((member) => member.replace(/^TABLE /, "TABLE ONLY ")).join(", ");
}

/** Settings whose value is a list: as one text in quotes they would mean something else. */
const LISTS = [
  "search_path",
  "temp_tablespaces",
  "local_preload_libraries",
  "session_preload_libraries",
  "shared_preload_libraries",
  "unix_socket_directories",
];

export const databaseSetting: Repair = {
  create: (object) => unlessSecret(object, way(setting(object.name, object.definition))),
  drop: ({ name }) => way(setting(name, null)),
  alter: (expected) => unlessSecret(expected, way(setting(expected.name, expected.definition))),
};

function setting(name: string, value: string | null): string {
  const [variable = "", role] = name.split(" for role ");
  const text = LISTS.includes(variable.toLowerCase())
    ? value?.slice(1, -1).replaceAll("''", "'")
    : value;
  const action = value === null ? `RESET ${variable}` : `SET ${variable} TO ${text || "''"}`;
  return onThisDatabase(`ALTER ${role ? `ROLE ${role} IN ` : ""}DATABASE`, action);
}
