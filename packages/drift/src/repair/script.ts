/** A repair as SQL that people read, keep and run. */
import { oneLine } from "../model/words.ts";
import type { Step } from "./plan.ts";
import { type Proposal, proofOf } from "./proposal.ts";
import { PLAN_SETTINGS } from "./trial.ts";

/** The whole repair as one transaction; what destroys stands in comments unless it is allowed. */
export function repairScript(
  { safe, destructive, unresolved, doubt }: Proposal,
  { allowDestructive = false } = {},
): string {
  if (safe.length + destructive.length + unresolved.length === 0) return "-- Nothing to repair.\n";
  const proof = proofOf({ doubt: doubt && oneLine(doubt) });
  const title = `-- ${proof.charAt(0).toUpperCase()}${proof.slice(1)}.`;
  const body = [PLAN_SETTINGS, ...safe.map(block)];
  if (destructive.length > 0 && !allowDestructive)
    body.push(
      "-- What follows destroys data, or needs what does. --allow-destructive takes it out of the comments.",
      ...destructive.map((step) => commented(block(step))),
    );
  if (allowDestructive) body.push(...destructive.map(block));
  const helpless = unresolved.map(
    ({ reason, error }) => `-- ${oneLine(reason)}: no statement helps. ${oneLine(error)}`,
  );
  return `${[title, "BEGIN;", ...body, ...helpless, "COMMIT;"].join("\n\n")}\n`;
}

/** The statements of a step under its reason. */
export function block({ reason, sql, destroys, rewrites = [] }: Step): string {
  const title = `-- ${oneLine(reason)}${destroys ? ` (DESTRUCTIVE: ${oneLine(destroys)})` : ""}`;
  const rewriting = rewrites.map((table) => `-- writes every row of ${oneLine(table)} anew`);
  return [title, ...rewriting, ...sql.map((statement) => `${statement};`)].join("\n");
}

function commented(text: string): string {
  return text.replace(/^(?!-- )/gm, "-- ");
}
