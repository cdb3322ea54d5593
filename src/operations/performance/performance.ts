/** Measures the product's own functions against what was promised, and looks how PostgreSQL runs their statements. */
import type { Config } from "../../config.ts";
import type { AuthedContext, Deps } from "../../context.ts";
import { createDatabase, createPool, SESSION } from "../../db/client.ts";
import { faultOfRole } from "../../db/runtime-role.ts";
import { plainly } from "../../db/scoped-pool.ts";
import { createDeps } from "../../deps.ts";
import { CannotRun } from "../cannot-run.ts";
import { withClient } from "../connection.ts";
import { planOf, readWhole, type Statement, scansOf } from "./plan.ts";
import { recordStatements } from "./recorder.ts";
import { contextOf, findTenant, type Sample, takeSample } from "./sample.ts";
import { CONNECTIONS, type Target, targetsFor } from "./targets.ts";

export type Measured = {
  what: string;
  within: number;
  /** Milliseconds. */
  median: number;
  slowest: number;
  /** The ways to the rows. */
  scans: string[];
  /** Large tables that were read from end to end; none of what has an index to be found by. */
  readWhole: string[];
  plans: string[];
  right: boolean;
};
export type AtOnce = { connections: number; answers: number; failed: number; millis: number };
export type Performance = { sample: Sample; measured: Measured[]; atOnce: AtOnce };

type Options = {
  /** Slug; null for the tenant with most users. */
  tenant: string | null;
  runs: number;
  progress(step: string): void;
};

/** Connections and plans warm up. */
const WARM_UP = 3;
/** To read fewer rows from end to end is right: for a page of a search it is as quick as an index. */
const LARGE_ROWS = 50_000;
const ROWS = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b(?!.*\b(pg_advisory|set_config))/is;

/** As the server's own login: what it may not see is part of each plan. @throws CannotRun for another one. */
export async function measure(
  config: Config,
  { tenant, runs, progress }: Options,
): Promise<Performance> {
  progress("connecting");
  const { deps, close } = await createDeps({
    ...config,
    ...{ logLevel: "silent", schemaCheck: "off", databasePoolSize: CONNECTIONS },
  });
  try {
    const fault = await faultOfRole(plainly(deps.pool));
    if (fault)
      throw new CannotRun(
        `the login of DATABASE_URL ${fault}. Name the server's own: the policies are part of every plan.`,
      );
    const chosen = await findTenant(deps, tenant);
    const ctx = await contextOf(deps, chosen);
    progress("looking for people");
    const sample = await takeSample(ctx, chosen);
    const targets = targetsFor(sample);
    const measured: Measured[] = [];
    for (const target of targets) {
      progress(target.what);
      const times = await timesOf(target, ctx, runs);
      measured.push(await withPlans(target, times, config, deps, ctx));
    }
    progress(`${CONNECTIONS} connections at once`);
    return { sample, measured, atOnce: await allAtOnce(targets, ctx) };
  } finally {
    await close();
  }
}

/** In milliseconds, the shortest first. */
async function timesOf(target: Target, ctx: AuthedContext, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = -WARM_UP; run < runs; run += 1) {
    const start = performance.now();
    await target.run(ctx, run + WARM_UP);
    if (run >= 0) times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b);
}

async function withPlans(
  target: Target,
  times: number[],
  config: Config,
  deps: Deps,
  ctx: AuthedContext,
): Promise<Measured> {
  const plans = await plansOf(target, await statementsOf(target, config, ctx), config.databaseUrl);
  const large = await largeTables(deps);
  const whole = [...new Set(plans.flatMap((plan) => readWhole(plan, large)))];
  const median = times[times.length >> 1] ?? Number.NaN;
  const { what, within, indexed } = target;
  return {
    ...{ what, within, median, plans, readWhole: indexed ? whole : [] },
    slowest: times.at(-1) ?? Number.NaN,
    scans: [...new Set(plans.flatMap(scansOf))],
    right: median < within && (whole.length === 0 || !indexed),
  };
}

/** Those of a second run, on a pool of its own: on the first PostgreSQL is asked other things too. */
async function statementsOf(
  target: Target,
  config: Config,
  ctx: AuthedContext,
): Promise<Statement[]> {
  const pool = createPool({ ...config, databasePoolSize: 2 });
  const recorder = recordStatements(pool);
  const db = createDatabase(pool, config.databaseTimeoutSeconds);
  try {
    const sent = await recorder.during(() => target.run({ ...ctx, pool, db }, 0));
    return sent.filter(({ text, isPlain }) => !isPlain && ROWS.test(text));
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}

/** In one transaction, which is taken back. */
function plansOf(
  { scope, writes }: Target,
  statements: Statement[],
  databaseUrl: string,
): Promise<string[]> {
  return withClient(databaseUrl, { name: "performance" }, async (client) => {
    await client.query(SESSION);
    await client.query("BEGIN");
    await client.query("SELECT set_config('tenantry.scope', $1, true)", [scope]);
    const plans: string[] = [];
    for (const statement of statements) {
      // What writes can be run once alone.
      const { text } = await planOf(client, statement, writes ? 1 : 6);
      plans.push(text);
    }
    await client.query("ROLLBACK");
    return plans;
  });
}

async function largeTables({ pool }: Deps): Promise<Set<string>> {
  const { rows } = await plainly(pool).query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND reltuples >= ${LARGE_ROWS}`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** Everything that reads, on every connection at the same time. */
async function allAtOnce(targets: Target[], ctx: AuthedContext): Promise<AtOnce> {
  const reads = targets.filter(({ writes, indexed }) => !writes && indexed).slice(0, 2);
  const start = performance.now();
  const answers = await Promise.allSettled(
    Array.from({ length: CONNECTIONS }, async (_, run) => {
      for (const target of reads) await target.run(ctx, run);
    }),
  );
  const failed = answers.filter(({ status }) => status === "rejected").length;
  return {
    connections: CONNECTIONS,
    answers: CONNECTIONS - failed,
    failed,
    millis: performance.now() - start,
  };
}
