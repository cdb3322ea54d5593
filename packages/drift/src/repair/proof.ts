/** Runs the statements of a repair on a copy of the schema with rows, and says what it leaves and what rows have lost. */
import type pg from "pg";
import { readIdentities } from "../catalog/catalog.ts";
import { differingKeys } from "../model/diff.ts";
import { codeOf, messageOf } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import { fewOf } from "../model/words.ts";
import { readFiles, takeCensus } from "./census.ts";
import { lossesBetween } from "./losses.ts";
import type { Step } from "./plan.ts";
import { lasting, type Restoring } from "./restored.ts";
import { type Filling, fill } from "./synthetic.ts";
import { inTransaction, type Reader, type Trial } from "./trial.ts";

export type Proved = {
  /** Null when the statements run and lead where they should, else why not. */
  doubt: string | null;
  /** What rows have lost, in words. */
  losses: string[];
  /** Tables that were written anew, by the place of the step. */
  rewrites: Map<number, string[]>;
  /** What gives back what hung on objects that were made anew. */
  restored: Step[];
};

type Task = {
  /** Null where only what happens to rows is asked for. */
  expected: CatalogObject[] | null;
  reader: Reader;
  known: ReadonlySet<string>;
  restoring?: Restoring;
  /** The place from which on what is made anew counts. */
  from?: number;
};

/** A row may break a rule that is to be added: then nothing is done at all, and the proof goes on without such rows. */
const ABOUT_ROWS = /^(22|23|55006)/;
const MOST_TRIES = 12;

/** @param task `known` are the keys that may differ afterwards; all others must be as expected. */
export async function prove(scratch: pg.Client, steps: Step[], task: Task): Promise<Proved> {
  const without = new Set<string>();
  let filling: Filling = { nulls: true, without };
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(scratch, steps, task, tries < MOST_TRIES ? filling : null);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const isAboutRows = ABOUT_ROWS.test(codeOf(error.cause) ?? "");
      if (!isAboutRows || tries >= MOST_TRIES) return doubtful(error.message);
      const before = without.size;
      if (!filling.nulls) for (const table of error.tables) without.add(table);
      if (!filling.nulls && without.size === before) tries = MOST_TRIES - 1;
      filling = { nulls: false, without };
    }
  }
}

/** The place of the first step with which something is lost; what comes before it loses nothing. */
export async function firstLoss(scratch: pg.Client, steps: Step[], task: Task): Promise<number> {
  let [harmless, harmful] = [0, steps.length];
  while (harmful - harmless > 1) {
    const middle = Math.floor((harmless + harmful) / 2);
    const { losses } = await prove(scratch, steps.slice(0, middle), task);
    if (losses.length > 0) harmful = middle;
    else harmless = middle;
  }
  return harmful - 1;
}

class Refused extends Error {
  constructor(
    cause: unknown,
    readonly tables: string[],
  ) {
    super(`on the copy it fails: ${messageOf(cause)}`, { cause });
  }
}

function doubtful(doubt: string): Proved {
  return { doubt, losses: [], rewrites: new Map(), restored: [] };
}

/** @param filling null fills nothing. */
function attempt(
  scratch: pg.Client,
  steps: Step[],
  { expected, reader, known, restoring, from = 0 }: Task,
  filling: Filling | null,
): Promise<Proved> {
  return inTransaction(scratch, reader, async (trial) => {
    const text = steps.flatMap(({ sql }) => sql).join("\n");
    const filled = filling ? await fill(scratch, text, filling) : [];
    const before = await takeCensus(scratch, filled);
    const rewrites = await runAll(scratch, trial, steps.slice(0, from));
    const named = restoring ? await readIdentities(scratch) : new Map();
    for (const [place, tables] of await runAll(scratch, trial, steps.slice(from)))
      rewrites.set(from + place, tables);
    const differing = expected ? differingKeys(expected, await trial.read()) : [];
    const left = differing.filter((key) => !known.has(key));
    const after = await takeCensus(scratch, filled);
    const anew = restoring ? madeAnew(named, await readIdentities(scratch)) : [];
    return {
      doubt: left.length === 0 ? null : `on the copy it leaves: ${fewOf(left)}`,
      losses: lossesBetween(before, after),
      rewrites,
      restored: restoring ? await lasting(trial, restoring(anew)) : [],
    };
  });
}

/** Keys of what is there under its name still, and is another object. */
function madeAnew(before: Map<string, string>, after: Map<string, string>): string[] {
  return [...before]
    .filter(([key, place]) => (after.get(key) ?? place) !== place)
    .map(([key]) => key);
}

async function runAll(
  scratch: pg.Client,
  trial: Trial,
  steps: Step[],
): Promise<Map<number, string[]>> {
  const rewrites = new Map<number, string[]>();
  let files = await readFiles(scratch);
  for (const [place, { sql }] of steps.entries()) {
    try {
      await trial.run(sql);
    } catch (error) {
      const text = sql.join("\n");
      throw new Refused(
        error,
        [...files.keys()].filter((table) => text.includes(table)),
      );
    }
    const now = await readFiles(scratch);
    const anew = [...now].filter(([name, file]) => files.has(name) && files.get(name) !== file);
    if (anew.length > 0)
      rewrites.set(
        place,
        anew.map(([name]) => name),
      );
    files = now;
  }
  return rewrites;
}
