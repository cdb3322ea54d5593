/** A repair as SQL that people read, keep and run. */
import type { Step } from "./plan.ts";
import type { Proposal } from "./proposal.ts";
import { PLAN_SETTINGS } from "./trial.ts";

/** The whole repair as one transaction; what destroys stands in comments unless it is allowed. */
export function repairScript(
  { safe, destructive, unresolved, doubt }: Proposal,
  { allowDestructive = false } = {},
): string {
  if (safe.length + destructive.length + unresolved.length === 0) return "-- Nothing to repair.\n";
  const proof =
    doubt === null
      ? "-- Proved on a copy of the schema, which has no rows."
      : `-- Not proved: ${line(doubt)}.`;
  const body = [PLAN_SETTINGS, ...safe.map(block)];
  if (destructive.length > 0 && !allowDestructive)
    body.push(
      "-- What follows destroys data, or needs what does. --allow-destructive takes it out of the comments.",
      ...destructive.map((step) => commented(block(step))),
    );
  if (allowDestructive) body.push(...destructive.map(block));
  const helpless = unresolved.map(
    ({ reason, error }) => `-- ${reason}: no statement helps. ${line(error)}`,
  );
  return `${[proof, "BEGIN;", ...body, ...helpless, "COMMIT;"].join("\n\n")}\n`;
}

/** The statements of a step under its reason. */
export function block({ reason, sql, destroys }: Step): string {
  const title = `-- ${line(reason)}${destroys ? ` (DESTRUCTIVE: ${destroys})` : ""}`;
  return [title, ...sql.map((statement) => `${statement};`)].join("\n");
}

function commented(text: string): string {
  return text.replace(/^(?!-- )/gm, "-- ");
}

/** A name may have any character, and a line break would end the comment. */
function line(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}
