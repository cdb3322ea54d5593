/** `tenantry-drift repair`: shows the SQL that brings the live database back to what is declared, and runs it if asked. */

import type pg from "pg";
import { CANONICAL_OUTPUT } from "../catalog/catalog.ts";
import { buildingNotes } from "../database/building.ts";
import { isConnectionLoss, withConnection } from "../database/connection.ts";
import { isLockTimeout, lockHolder } from "../database/held-locks.ts";
import { beginInsteadOfMigration } from "../database/migration-lock.ts";
import { withTrialDatabase } from "../database/trial-database.ts";
import { differingKeys, unlikeKeys } from "../model/diff.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { fewOf, oneLine } from "../model/words.ts";
import { compare } from "../project/compare.ts";
import { MADE_TOO } from "../project/expected.ts";
import { readProject } from "../project/project.ts";
import { holdStill } from "../repair/hold-still.ts";
import { locksOf, lockTables, type TableLock } from "../repair/locks.ts";
import type { Step } from "../repair/plan.ts";
import { type Proposal, propose, statements } from "../repair/proposal.ts";
import { repairScript } from "../repair/script.ts";
import { firingTriggers, strangeCode } from "../repair/strange-code.ts";
import { readSurroundings } from "../repair/surroundings.ts";
import { extensionsOf, type RepairTask, repairTask, writtenNowhere } from "../repair/task.ts";
import { PLAN_SETTINGS } from "../repair/trial.ts";
import { summaryLine } from "../report/text.ts";
import { check, keptBack, readSides } from "./check.ts";
import { liveUrl, type Options, type Output, scratchServer } from "./options.ts";

export type RepairOptions = Options & {
  apply: boolean;
  /** Runs, and shows outside of comments, what loses data. */
  allowDestructive: boolean;
};

/** True when the database is then what is declared. */
export async function repairCommand(options: RepairOptions, output: Output): Promise<boolean> {
  const url = liveUrl(options);
  const read = await readProject(options);

  return withConnection(url, async (client) => {
    const server = scratchServer(options, client);
    const sides = await readSides(client, server, read, options);
    const project = { ...read, ignored: sides.ignored };
    const compared = compare(sides.expected, sides.actual, project);
    const kept = await keptBack(compared.findings, sides, server, project, options);
    for (const note of await buildingNotes(client, options.schemas))
      await output.note(`note: ${note}\n`);
    for (const key of kept) await output.note(`kept: ${key}: ${MADE_TOO}\n`);
    const task = {
      ...repairTask(compared, kept, project, options),
      surroundings: await readSurroundings(client, options, compared.actual),
      only: writtenNowhere(compared.findings, project.migrations),
    };
    options.onProgress?.("trying the repair on a copy of the schema");
    const tried = await withTrialDatabase(server, extensionsOf(task), async (scratch) => {
      const proposal = await propose(scratch, task);
      const steps = stepsOf(proposal, options);
      return { proposal, steps, locks: await locksOf(scratch, task.reader, steps) };
    }).catch((error) => {
      if (!(error instanceof DriftError)) throw error;
      throw new DriftError(`No repair could be tried: ${error.message}`, { cause: error });
    });

    const { proposal } = tried;
    await output.result(repairScript(proposal, options));
    const { safe, destructive, unresolved } = proposal;
    if (safe.length + destructive.length + unresolved.length === 0) return true;
    const firing = await firingTriggers(client);
    if (firing.length > 0)
      await output.note(
        `note: event triggers run on what a repair does, with the rights of whoever applies it: ${fewOf(firing)}\n`,
      );
    if (!options.apply) return false;

    await apply(client, task, tried, options);
    const report = await check({ ...options, repair: false }).catch((error) => {
      if (options.signal.aborted)
        throw new DriftError("The repair was made, but not checked again: it was interrupted.", {
          cause: error,
        });
      if (!(error instanceof DriftError)) throw error;
      throw new DriftError(`The repair was made, but not checked again: ${error.message}`, {
        cause: error,
      });
    });
    await output.note(`${summaryLine(report, false)}\n`);
    return !report.drift;
  });
}

function stepsOf({ safe, destructive }: Proposal, { allowDestructive }: RepairOptions): Step[] {
  return allowDestructive ? [...safe, ...destructive] : safe;
}

/** What is to be run, and the locks that it takes. */
type Tried = { proposal: Proposal; steps: Step[]; locks: TableLock[] };

/** All in one transaction, which ends well only if nothing differs that did not differ before. */
async function apply(
  client: pg.Client,
  task: RepairTask,
  { proposal: { doubt, safeDoubt }, steps, locks }: Tried,
  { allowDestructive, schemas, shadowUrl, signal, ...options }: RepairOptions,
): Promise<void> {
  const { actual, expected } = task;
  const reason = allowDestructive ? doubt : safeDoubt;
  const elsewhere = shadowUrl ? "" : ", name a server for the trial with --shadow-url";
  if (reason !== null)
    throw new DriftError(
      `Nothing was run, since not all of it was proved: ${oneLine(reason)}. Mend that by hand${elsewhere}, or leave it out with --ignore, and repair again.`,
    );
  const strange = await strangeCode(client, { actual, expected }, schemas, steps);
  if (strange.length > 0)
    throw new DriftError(
      `Nothing was run, since it might call what is not as it is declared, and with the rights of this login: ${fewOf(strange)}. Drop that first, or repair with a login that has no more rights than its owner.`,
    );
  const cancel = await canceller(client, liveUrl(options));
  signal.addEventListener("abort", cancel, { once: true });
  try {
    await beginInsteadOfMigration(client).catch((error) => {
      signal.throwIfAborted();
      throw error;
    });
    await runAll(client, task, { steps, locks }, signal);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** In the transaction that has begun, and ends it. */
async function runAll(
  client: pg.Client,
  task: RepairTask,
  { steps, locks }: Pick<Tried, "steps" | "locks">,
  signal: AbortSignal,
): Promise<void> {
  const { actual, expected, reader } = task;
  const known = unlikeKeys(expected, actual);
  try {
    await holdStill(client, steps, task);
    await client.query(PLAN_SETTINGS);
    await lockTables(client, locks, signal);
    for (const statement of statements(steps)) {
      signal.throwIfAborted();
      await run(client, statement);
    }
    await client.query(CANONICAL_OUTPUT);
    const left = differingKeys(expected, await reader(client)).filter((key) => !known.has(key));
    if (left.length > 0) throw rolledBack(`It would have left ${left.join(", ")} different.`);
    signal.throwIfAborted();
    await run(client, "COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
    if (signal.aborted && !(error instanceof Unsure))
      throw rolledBack("It was interrupted.", signal.reason);
    const cause = error instanceof DriftError ? error.cause : error;
    if (isLockTimeout(cause)) throw rolledBack(await lockHolder(client), cause);
    throw error instanceof DriftError ? error : rolledBack(messageOf(error), error);
  }
}

/** Ends the statement that is under way, which may wait for others or write a large table. */
async function canceller(client: pg.Client, url: string): Promise<() => void> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const statement = `SELECT pg_cancel_backend(${rows[0]?.pid})`;
  return () => void withConnection(url, (other) => other.query(statement)).catch(() => {});
}

async function run(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (statement === "COMMIT" && isConnectionLoss(error))
      throw new Unsure(
        "The connection was lost while the repair was committed, so all of it may have been made or nothing. `tenantry-drift` shows which.",
        { cause: error },
      );
    throw rolledBack(`${messageOf(error)}\n  ${statement.replaceAll("\n", "\n  ")}`, error);
  }
}

/** Nobody knows whether the repair was made. */
class Unsure extends DriftError {}

function rolledBack(reason: string, cause?: unknown): DriftError {
  return new DriftError(`The repair was rolled back, and the database is as it was. ${reason}`, {
    cause,
  });
}
