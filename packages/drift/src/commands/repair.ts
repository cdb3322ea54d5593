/** `bun run drift repair`: shows the SQL that brings the live database back to what is declared, and runs it if asked. */

import type pg from "pg";
import { CANONICAL_OUTPUT } from "../catalog/catalog.ts";
import { withConnection } from "../database/connection.ts";
import { PRISMA_LOCK } from "../database/live.ts";
import { withScratchDatabase } from "../database/scratch.ts";
import { diff, objectOf } from "../model/diff.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { keyOf } from "../model/object.ts";
import { withServer } from "../project/project.ts";
import { type Proposal, propose, statements } from "../repair/proposal.ts";
import { repairScript } from "../repair/script.ts";
import { databaseOf, readStates, type States } from "../repair/states.ts";
import { PLAN_SETTINGS } from "../repair/trial.ts";
import { summaryLine } from "../report/text.ts";
import { check } from "./check.ts";
import type { Options } from "./options.ts";

export type RepairOptions = Options & {
  apply: boolean;
  /** Runs, and shows outside of comments, what loses data. */
  allowDestructive: boolean;
};

/** Results, and what is said beside them. */
export type Output = {
  result(text: string): Promise<unknown>;
  note(text: string): Promise<unknown>;
};

/** True when the database is then what is declared. */
export async function repairCommand(options: RepairOptions, output: Output): Promise<boolean> {
  return withConnection(databaseOf(options), async (client) => {
    const { states, proposal } = await withServer(options, client, async (server) => {
      const states = await readStates(client, server, options);
      options.onProgress?.("trying the repair on a copy of the schema");
      const proposal = await withScratchDatabase(server, (scratch) => propose(scratch, states));
      return { states, proposal };
    });
    await output.result(repairScript(proposal, options));
    const { safe, destructive, unresolved } = proposal;
    if (safe.length + destructive.length + unresolved.length === 0) return true;
    if (!options.apply) return false;

    await apply(client, states, proposal, options);
    const report = await check({ ...options, repair: false });
    await output.note(`${summaryLine(report, false)}\n`);
    return !report.drift;
  });
}

/** All in one transaction, which ends well only if nothing differs that did not differ before. */
async function apply(
  client: pg.Client,
  { actual, expected, reader }: States,
  { safe, destructive }: Proposal,
  { allowDestructive }: RepairOptions,
): Promise<void> {
  const known = new Set(differing(actual));
  const sql = statements(allowDestructive ? [...safe, ...destructive] : safe);
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock(${PRISMA_LOCK}); ${PLAN_SETTINGS}`,
  );
  try {
    for (const statement of sql) await run(client, statement);
    await client.query(CANONICAL_OUTPUT);
    const left = differing(await reader(client)).filter((key) => !known.has(key));
    if (left.length > 0) throw rolledBack(`It would have left ${left.join(", ")} different.`);
    await run(client, "COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
    throw error;
  }

  function differing(objects: typeof actual): string[] {
    return diff(expected, objects).map((difference) => keyOf(objectOf(difference)));
  }
}

async function run(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    throw rolledBack(`${messageOf(error)}\n  ${statement.replaceAll("\n", "\n  ")}`, error);
  }
}

function rolledBack(reason: string, cause?: unknown): DriftError {
  return new DriftError(`The repair was rolled back, and the database is as it was. ${reason}`, {
    cause,
  });
}
