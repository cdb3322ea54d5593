/** Gives each finding of a check the statements that mend it, out of one repair that was tried on a copy. */
import type { ScratchServer } from "../database/scratch.ts";
import { withTrialDatabase } from "../database/trial-database.ts";
import { messageOf } from "../model/errors.ts";
import type { Finding } from "../model/finding.ts";
import { keyOf } from "../model/object.ts";
import { count, oneLine } from "../model/words.ts";
import { type Proposal, propose } from "./proposal.ts";
import { extensionsOf, type RepairTask, type Surroundings } from "./task.ts";

/** Whether the statements of all findings together were proved, else why not. */
export type Proof = { proved: boolean; doubt: string | null };

/** More than that is more than who asked for a check wants to wait for. */
const MOST_OBJECTS = 2000;
const MOST_MS = 20_000;
const MADE_BY = "`tenantry-drift repair` makes it";

type RepairOptions = {
  mostMs?: number;
  /** Read once it is known that there will be a trial. */
  surroundings?: () => Promise<Surroundings>;
  onProgress?: (step: string) => void;
};

/** That there is no repair is said in the report, and is no reason for the check to fail. */
export async function withRepairs(
  findings: Finding[],
  task: RepairTask,
  server: ScratchServer,
  { mostMs = MOST_MS, surroundings, onProgress }: RepairOptions = {},
): Promise<{ findings: Finding[]; repair: Proof | null }> {
  if (findings.length === 0) return { findings, repair: null };
  const unproved = (doubt: string) => ({ findings, repair: { proved: false, doubt } });
  const size = Math.max(task.actual.length, task.expected.length);
  if (size > MOST_OBJECTS)
    return unproved(
      `a copy of ${count(size, "object")} takes long, so no repair was made; ${MADE_BY}`,
    );
  onProgress?.("trying the repair on a copy of the schema");
  const limit = AbortSignal.timeout(mostMs);
  const signal = AbortSignal.any([server.signal, limit]);
  const around = await surroundings?.();
  try {
    const proposal = await withTrialDatabase({ ...server, signal }, extensionsOf(task), (scratch) =>
      propose(scratch, { ...task, ...(around && { surroundings: around }) }),
    );
    const repaired = repairedBy(proposal, task, findings);
    const nothing = repaired.every(({ repair }) => repair.length === 0) ? "there is none" : null;
    const doubt = proposal.doubt === null ? nothing : oneLine(proposal.doubt);
    return { findings: repaired, repair: { proved: doubt === null, doubt } };
  } catch (error) {
    server.signal.throwIfAborted();
    if (limit.aborted)
      return unproved(`no repair was made in ${mostMs / 1000} seconds; ${MADE_BY}`);
    return unproved(`no repair could be made: ${oneLine(messageOf(error))}`);
  }
}

/** Each step goes to the finding for whose sake it is taken, in the order of the whole. */
export function repairedBy(
  { safe, destructive, unresolved }: Pick<Proposal, "safe" | "destructive" | "unresolved">,
  { actual, expected }: Pick<RepairTask, "actual" | "expected">,
  findings: Finding[],
): Finding[] {
  const found = new Set(findings.map(keyOf));
  const parents = new Map([...actual, ...expected].map((one) => [keyOf(one), one.parent]));
  // What was taken away for the sake of a finding comes back for its sake, with all that belongs to it.
  const causes = new Map<string, string>();
  const ownerOf = (key: string): string | undefined => {
    if (key === "" || found.has(key)) return key || undefined;
    return causes.get(key) ?? ownerOf(parents.get(key) ?? "");
  };
  let last = "";
  const steps = [...safe, ...destructive].map((step) => {
    // What else is gone went with the statement before.
    last = ownerOf(step.mends) ?? last;
    causes.set(step.key, last);
    return { ...step, owner: last };
  });
  const problems = new Map(unresolved.map(({ key, error }) => [ownerOf(key), oneLine(error)]));

  const problemOf = (key: string, isMended: boolean): string | null => {
    const problem = problems.get(key);
    if (problem !== undefined) return `no statement helps: ${problem}`;
    if (!parents.has(key)) return "it is not part of the database, and is mended by hand";
    return isMended ? null : "the statements of other findings mend it";
  };

  return findings.map((finding) => {
    const key = keyOf(finding);
    const own = steps.filter(({ owner }) => owner === key);
    const losses = new Set(own.flatMap(({ destroys }) => destroys ?? []));
    return {
      ...finding,
      repair: own.flatMap(({ sql }) => sql),
      destroys: losses.size > 0 ? [...losses].join(", ") : null,
      unrepaired: problemOf(key, own.length > 0),
    };
  });
}
