/** Instances of the job queue beside that of the application, which end with each test. */
import { afterEach } from "bun:test";
import type { Jobs } from "../../src/jobs/jobs.ts";
import { createJobs, type JobsOptions } from "../../src/jobs/queue.ts";
import type { TestApp } from "../support/app.ts";

export function instancesOf(app: TestApp) {
  const made: Jobs[] = [];
  const messages: string[] = [];
  afterEach(async () => {
    for (const jobs of made.splice(0)) await jobs.stop();
    await app.deps.pool.query("DELETE FROM pgboss.job");
    messages.length = 0;
  });

  /** @param query in place of the pool's own. */
  async function otherInstance({
    query,
    superviseSeconds = 1,
  }: {
    query?: (text: string, values: unknown[]) => Promise<unknown>;
    superviseSeconds?: number;
  } = {}): Promise<Jobs> {
    const jobs = await createJobs({
      pool: query ? ({ query } as JobsOptions["pool"]) : app.deps.pool,
      keyring: app.deps.keyring,
      log: (_, message) => messages.push(message),
      superviseSeconds,
    });
    made.push(jobs);
    return jobs;
  }

  /** @throws Error with what was logged, when it does not come true. */
  async function until(holds: () => boolean | Promise<boolean>, seconds = 15): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; !(await holds()); await Bun.sleep(20))
      if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${messages.join(", ")}`);
  }

  async function states(): Promise<unknown[]> {
    const { rows } = await app.deps.pool.query(
      "SELECT state FROM pgboss.job WHERE name = 'mail' ORDER BY created_on",
    );
    return rows.map(({ state }) => state);
  }

  return { made, messages, otherInstance, until, states };
}
