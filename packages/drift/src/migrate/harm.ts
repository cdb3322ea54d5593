/** Dangers taken from what the plan does to rows, whatever kind of object it is about. */
import { oneLine } from "../model/words.ts";
import type { Danger } from "./dangers.ts";
import type { Harm } from "./draft.ts";

/**
 * Those that are not among the known ones, which have a better word for how to avoid them.
 * @param former keys of what the migrations make so far: what this one makes itself has nothing to lose.
 */
export function dangersIn(
  { losses, rewrites, steps }: Harm,
  known: Danger[],
  former: ReadonlySet<string>,
): Danger[] {
  const found: Danger[] = [];
  const isTold = (name: string) => [...known, ...found].some(({ what }) => names(what, name));
  for (const loss of new Set(losses))
    if (![...known, ...found].some(({ what }) => what === loss || explains(what, loss)))
      found.push({ what: loss, instead: "Keep the old one until the rows have been copied." });
  for (const { key, destroys } of steps) {
    const name = key.slice(key.lastIndexOf(" ") + 1);
    if (destroys !== null && former.has(key) && !isTold(name))
      found.push({
        what: `${oneLine(destroys)} (${key})`,
        instead: "Do it in a migration of its own, once nothing needs the old one.",
      });
  }
  for (const table of new Set(rewrites))
    if (!isTold(table))
      found.push({
        what: `writes every row of ${table} anew, and nobody can use the table meanwhile`,
        instead: "Add a new column, copy the rows in batches, and drop the old one later.",
      });
  return found;
}

/** A change of type says of which values it speaks, and what becomes of them. */
function explains(what: string, loss: string): boolean {
  const [, table] = /^changes values of (.*): /s.exec(loss) ?? [];
  return table !== undefined && what.startsWith(`changes the type of ${table}.`);
}

/** Whether a text speaks of a thing or of a part of it, and not of one whose name only begins so. */
function names(text: string, name: string): boolean {
  const at = ` ${text}`.split(` ${name}`).slice(1);
  return at.some((rest) => !/^[\w$]/.test(rest));
}
