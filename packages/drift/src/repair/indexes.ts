/** Indexes, constraints and statistics objects. The state that their statements leave out is set once they are there. */
import { type CatalogObject, qualifiedName } from "../model/object.ts";
import { items } from "./clauses.ts";
import { optionActions } from "./options.ts";
import { stateActions, stated, undoColumnState } from "./state.ts";
import { literal, memberOf, type Repair, relationOf, type Way, way } from "./way.ts";

export const index: Repair = {
  create(object) {
    const { sql, state } = stated(object.definition);
    // PostgreSQL prints ONLY for a partitioned table, and such an index would stay invalid without its partitions'.
    const everywhere = sql.replace(` ON ONLY ${relationOf(object)} `, ` ON ${relationOf(object)} `);
    return way(state.includes("INVALID") ? sql : everywhere);
  },

  drop: (object) => way(`DROP INDEX ${qualifiedName(object)}`),
  rename: (expected, actual) =>
    way(`ALTER INDEX ${qualifiedName(actual)} RENAME TO ${expected.name}`),

  alter(expected, actual) {
    const [wanted, found] = [stated(expected.definition), stated(actual.definition)];
    if (wanted.sql !== found.sql || wanted.state.includes("INVALID")) return [];
    return way(...indexState(object(expected), wanted.state, found.state));
  },
};

export const constraint: Repair = {
  /** A partition's copy of a key is there already, and only its triggers are switched differently. */
  create: (object) => [
    ...way(
      `ALTER TABLE ${relationOf(object)} ADD CONSTRAINT ${memberOf(object)} ${stated(object.definition).sql}`,
    ),
    ...way(...triggers(object, firingOf(object), undefined)),
  ],

  drop: (object) => [
    ...way(`ALTER TABLE ${relationOf(object)} DROP CONSTRAINT ${memberOf(object)}`),
    ...way(...triggers(object, undefined, firingOf(object))),
  ],

  rename: (expected, actual) =>
    way(
      `ALTER TABLE ${relationOf(expected)} RENAME CONSTRAINT ${memberOf(actual)} TO ${memberOf(expected)}`,
    ),

  /** Out of a unique index, which then has the constraint's name. */
  from: (expected, actual) =>
    way(
      `ALTER TABLE ${relationOf(expected)} ADD CONSTRAINT ${memberOf(expected)} UNIQUE USING INDEX ${actual.name}`,
    ),

  alter(expected, actual) {
    const [wanted, found] = [stated(expected.definition), stated(actual.definition)];
    const isOnlyNotValid = found.sql === `${wanted.sql} NOT VALID`;
    if (!isOnlyNotValid && wanted.sql !== found.sql) return [];
    const rest = (state: string) => !isFiring(state);
    return way(
      ...(isOnlyNotValid
        ? [`ALTER TABLE ${relationOf(expected)} VALIDATE CONSTRAINT ${memberOf(expected)}`]
        : []),
      ...indexState(backing(expected), wanted.state.filter(rest), found.state.filter(rest)),
      ...triggers(expected, firingOf(expected), firingOf(actual)),
    );
  },
};

/** The name of a NOT NULL, which goes with the column's mark: what is there gets the name. */
export const notNull: Repair = {
  create: (object) => named(object),
  drop: () => [],
  alter: (expected) => named(expected),
};

function named(object: CatalogObject): Way[] {
  const table = relationOf({
    ...object,
    parent: object.parent.replace(/\.("([^"]|"")+"|[^.]+)$/, ""),
  });
  const member = `${object.schema}.${object.name}`.slice(table.length + 1);
  const column = object.definition.slice("NOT NULL ".length);
  return way(`DO $do$ DECLARE name text; BEGIN
  SELECT c.conname INTO STRICT name FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.conrelid = ${literal(table)}::regclass AND c.contype = 'n' AND quote_ident(a.attname) = ${literal(column)};
  EXECUTE format(${literal(`ALTER TABLE ${table.replaceAll("%", "%%")} RENAME CONSTRAINT %I TO ${member.replaceAll("%", "%%")}`)}, name);
END $do$`);
}

export const statistics: Repair = {
  create: (object) => way(stated(object.definition).sql),
  drop: (object) => way(`DROP STATISTICS ${qualifiedName(object)}`),
  alter(expected, actual) {
    const [wanted, found] = [stated(expected.definition), stated(actual.definition)];
    if (wanted.sql !== found.sql) return [];
    return way(
      ...stateActions(wanted.state, found.state, undoColumnState).map(
        (action) => `ALTER STATISTICS ${qualifiedName(expected)} ${action}`,
      ),
    );
  },
};

type Index = { name: string; bare: string; table: string };

function object(index: CatalogObject): Index {
  return { name: qualifiedName(index), bare: index.name, table: relationOf(index) };
}

/** The index behind a constraint has the constraint's name. */
function backing(constraint: CatalogObject): Index {
  const bare = memberOf(constraint);
  return { name: `${constraint.schema}.${bare}`, bare, table: relationOf(constraint) };
}

function indexState({ name, bare, table }: Index, wanted: string[], found: string[]): string[] {
  const undo = (state: string) => {
    if (state === "INVALID") return `REINDEX INDEX ${name}`;
    if (state === "CLUSTER") return `ALTER TABLE ${table} SET WITHOUT CLUSTER`;
    if (state === "REPLICA IDENTITY") return `ALTER TABLE ${table} REPLICA IDENTITY DEFAULT`;
    if (state.startsWith("SET TABLESPACE")) return `ALTER INDEX ${name} SET TABLESPACE pg_default`;
    return `ALTER INDEX ${name} ${undoColumnState(state)}`;
  };
  const make = (state: string) => {
    if (state === "CLUSTER") return `ALTER TABLE ${table} CLUSTER ON ${bare}`;
    if (state === "REPLICA IDENTITY")
      return `ALTER TABLE ${table} REPLICA IDENTITY USING INDEX ${bare}`;
    return state.startsWith("REINDEX ") ||
      (state.startsWith("ALTER ") && !state.startsWith("ALTER COLUMN "))
      ? state
      : `ALTER INDEX ${name} ${state}`;
  };
  const isOption = (state: string) => state.startsWith("INDEX WITH ");
  const options = (states: string[]) => states.find(isOption)?.slice("INDEX WITH ".length);
  const rest = (states: string[]) => states.filter((state) => !isOption(state));
  return [
    ...optionActions(options(wanted), options(found)).map(
      (action) => `ALTER INDEX ${name} ${action}`,
    ),
    ...stateActions(rest(wanted), rest(found), undo).map(make),
  ];
}

/** True for the state of a key whose triggers do not fire as they were made to. */
export const isFiring = (state: string) => / TRIGGERS ON /.test(state);

function firingOf(constraint: CatalogObject): string | undefined {
  return stated(constraint.definition).state.find(isFiring);
}

/** The triggers behind a key have names that are made of OIDs, so they can only be found by the key itself. */
function triggers(
  object: CatalogObject,
  wanted: string | undefined,
  found: string | undefined,
): string[] {
  const read = (state: string | undefined) =>
    items(state).map((item) => item.split(" TRIGGERS ON ") as [action: string, table: string]);
  const [to, from] = [read(wanted), read(found)];
  const switchedOn = from.filter(([, table]) => !to.some(([, other]) => other === table));
  return [...switchedOn.map(([, table]) => ["ENABLE", table] as const), ...to].map(
    ([action, table]) => `DO $do$ DECLARE name text; BEGIN
  FOR name IN SELECT t.tgname FROM pg_trigger t JOIN pg_constraint c ON c.oid = t.tgconstraint
    WHERE c.conrelid = ${literal(relationOf(object))}::regclass AND quote_ident(c.conname) = ${literal(memberOf(object))}
      AND t.tgrelid = ${literal(table)}::regclass
  LOOP EXECUTE format(${literal(`ALTER TABLE ${table.replaceAll("%", "%%")} ${action} TRIGGER %I`)}, name); END LOOP;
END $do$`,
  );
}
