/** The pool as pg-boss speaks to it: patient through an outage, and careful with the statement that takes jobs. */
import type { Pool } from "pg";
import type { Db } from "pg-boss";
import { isUnavailable } from "../db/failures.ts";
import type { Log } from "../log.ts";

const MOST_ATTEMPTS = 6;
/** pg-boss tells nobody what a statement is for. The tests of groups and of giving back fail when this finds it no more. */
const TAKES_JOBS = /\bSET\s+state = 'active'/;

type Taken = { id: string; name: string };

export type JobDatabaseOptions = {
  pool: Pick<Pool, "query">;
  log: Log;
  isStopping: () => boolean;
  /** What was taken while the end was asked for is another instance's to do. */
  giveBack: (queue: string, jobs: Taken[]) => Promise<void>;
};

export function createJobDatabase(options: JobDatabaseOptions): Db {
  const { pool, log, isStopping, giveBack } = options;
  let isAway = false;
  let taking: Promise<unknown> = Promise.resolve();

  async function ask(text: string, values?: unknown[]): Promise<{ rows: Taken[] }> {
    const answer = await pool.query<Taken>(text, values);
    if (isAway) log("info", "jobs are worked off again");
    isAway = false;
    return answer;
  }

  function complain(err: unknown): void {
    if (!isAway) log("warn", "jobs cannot be worked off", { error: err });
    isAway = true;
  }

  /** What is done but not recorded as done is done again, so a database that is away for seconds is waited for. */
  async function query(text: string, values?: unknown[]): Promise<{ rows: Taken[] }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(text, values);
      } catch (err) {
        if (!isUnavailable(err) || attempt === MOST_ATTEMPTS || isStopping()) throw err;
        complain(err);
        await Bun.sleep(attempt * 500);
      }
    }
  }

  /**
   * One after the other: two at once would each count the jobs of a group without those that the other takes. So none waits
   * for the database to come back: that would hold up all behind it, and whoever gets nothing looks again by itself.
   */
  async function take(text: string, values?: unknown[]): Promise<{ rows: Taken[] }> {
    const answer = taking
      .then(() => ask(text, values))
      .catch((err) => {
        if (!isUnavailable(err)) throw err;
        complain(err);
        return { rows: [] };
      });
    taking = answer.catch(() => {});
    const { rows } = await answer;
    const [first] = rows;
    if (!first || !isStopping()) return { rows };
    await giveBack(first.name, rows);
    return { rows: [] };
  }

  return {
    executeSql: (text, values) => (TAKES_JOBS.test(text) ? take : query)(text, values),
  };
}
