/** A database in which statements can be tried: what fails, or was only a question, leaves no trace. */
import type pg from "pg";
import { CANONICAL_OUTPUT, inReadTransaction } from "../catalog/catalog.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";

export type Trial = {
  read(): Promise<CatalogObject[]>;
  /** Runs the statements or none of them, and throws what PostgreSQL says. */
  run(sql: string[]): Promise<void>;
  /** Names the files that hold a table's rows: other ones than before mean that the rows were written anew. */
  filesOf(relation: string): Promise<string>;
  /** Keeps what `work` does unless it gives null. */
  allOrNothing<T>(work: () => Promise<T | null>): Promise<T | null>;
  /** All that would go if the statements were run. */
  lostBy(sql: string[]): Promise<CatalogObject[]>;
};

/**
 * Reads what is compared; to be called within a transaction that has set the canonical output. `prepare` as of
 * readCatalog: planning the query takes longer than running it, and a trial reads after every step.
 */
export type Reader = (client: pg.Client, prepare?: boolean) => Promise<CatalogObject[]>;

/** For making a schema in an empty database: each step is a transaction, so that no number of locks is too large. */
export async function committing(client: pg.Client, reader: Reader): Promise<Trial> {
  await client.query(
    "SET search_path = ''; SET check_function_bodies = off; SET synchronous_commit = off",
  );
  return {
    read: () => inReadTransaction(client, () => reader(client, true)),
    run: async (sql) => void (await client.query(sql.join(";\n"))),
    filesOf: async () => "",
    allOrNothing: (work) => work(),
    lostBy: async () => [],
  };
}

/**
 * Statements as a plan needs them: their names are complete, and bodies may name what comes later. A time without a zone is
 * UTC's wherever it is run, and rows that a policy hides make a statement fail instead of being left out.
 */
export const PLAN_SETTINGS = [
  "search_path = ''",
  "check_function_bodies = off",
  "row_security = off",
  "TimeZone = 'UTC'",
]
  .map((setting) => `SET LOCAL ${setting};`)
  .join("\n");

/** For planning: one transaction, as the plan will be run, that is rolled back at the end. */
export async function inTransaction<T>(
  client: pg.Client,
  reader: Reader,
  work: (trial: Trial) => Promise<T>,
): Promise<T> {
  await client.query(`BEGIN; ${CANONICAL_OUTPUT} ${PLAN_SETTINGS}`);
  try {
    return await work(withSavepoints(client, reader));
  } finally {
    await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
  }
}

/** For a transaction that is open. */
export function withSavepoints(client: pg.Client, reader: Reader): Trial {
  const undo = () => client.query("ROLLBACK TO trial; RELEASE trial");
  const trial: Trial = {
    read: () => reader(client, true),

    async run(sql) {
      // By itself: a text that does not parse would not even begin, and the savepoint be another one.
      await client.query("SAVEPOINT trial");
      try {
        await client.query([...sql, "RELEASE trial"].join(";\n"));
      } catch (error) {
        await undo();
        throw error;
      }
    },

    async filesOf(relation) {
      const { rows } = await client.query<{ files: string }>(
        `SELECT concat(pg_relation_filenode($1), ' ',
           (SELECT string_agg(pg_relation_filenode(relid)::text, ' ' ORDER BY relid) FROM pg_partition_tree($1))) AS files`,
        [relation],
      );
      return rows[0]?.files ?? "";
    },

    async allOrNothing(work) {
      await client.query("SAVEPOINT trial");
      let result: Awaited<ReturnType<typeof work>> = null;
      try {
        result = await work();
      } finally {
        await (result === null ? undo() : client.query("RELEASE trial"));
      }
      return result;
    },

    async lostBy(sql) {
      const before = await trial.read();
      let left = before;
      await trial.allOrNothing(async () => {
        await trial.run(sql).catch(() => {}); // What cannot be dropped at all has no dependents that matter.
        left = await trial.read();
        return null;
      });
      const keys = new Set(left.map(keyOf));
      return before.filter((object) => !keys.has(keyOf(object)));
    },
  };
  return trial;
}
