/** A repair that was tried: planned on a copy of the live schema, run there once more as a whole, and compared. */
import type pg from "pg";
import { differingKeys } from "../model/diff.ts";
import { messageOf } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import { fewOf } from "../model/words.ts";
import { type Plan, plan, type Step } from "./plan.ts";
import type { RepairTask } from "./task.ts";
import { committing, inTransaction, type Reader } from "./trial.ts";

export type Proposal = Plan & {
  /** Null when the whole repair was proved, else why it was not. */
  doubt: string | null;
};

/** Makes `actual` in the empty scratch database, and finds there what makes it `expected`. */
export async function propose(
  scratch: pg.Client,
  { actual, expected, reader }: RepairTask,
): Promise<Proposal> {
  const copy = await committing(scratch, reader);
  await plan(copy, actual, { isCopy: true });
  const uncopied = differingKeys(actual, await copy.read());
  const proposal = await planFrom(scratch, { actual, expected, reader });
  return uncopied.length === 0
    ? proposal
    : { ...proposal, doubt: `not all of the live schema could be copied: ${fewOf(uncopied)}` };
}

/** The same where the scratch database has the objects already. It is left as it was. */
export async function planFrom(
  scratch: pg.Client,
  { actual, expected, reader }: Omit<RepairTask, "actual"> & Partial<RepairTask>,
): Promise<Proposal> {
  const planned = (onlyUsable: boolean) =>
    inTransaction(scratch, reader, (trial) =>
      plan(trial, expected, { onlyUsable, ...(actual && { actual }) }),
    );
  const first = await planned(false);
  const found = first.unresolved.length > 0 ? await planned(true) : first;
  return { ...found, doubt: await doubtOf(found, scratch, expected, reader) };
}

/** Runs all of it as one text, as it will be run. */
async function doubtOf(
  { safe, destructive, unresolved }: Plan,
  scratch: pg.Client,
  expected: CatalogObject[],
  reader: Reader,
): Promise<string | null> {
  if (unresolved.length > 0)
    return `no statements were found for: ${fewOf(unresolved.map(({ reason }) => reason))}`;
  try {
    const left = await inTransaction(scratch, reader, async (trial) => {
      await trial.run(statements([...safe, ...destructive]));
      return differingKeys(expected, await trial.read());
    });
    return left.length === 0 ? null : `on the copy it leaves: ${fewOf(left)}`;
  } catch (error) {
    return `on the copy it fails: ${messageOf(error)}`;
  }
}

export function statements(steps: Step[]): string[] {
  return steps.flatMap(({ sql }) => sql);
}

/** How far the statements of a repair can be trusted. */
export function proofOf({ doubt }: { doubt: string | null }): string {
  return doubt === null
    ? "proved on a copy of the schema, which has no rows"
    : `not proved: ${doubt}`;
}
