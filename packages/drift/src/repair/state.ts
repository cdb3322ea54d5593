/** State that stands behind a definition: `sql; state; state`, each state what would follow ALTER. */
import { splitAt } from "./clauses.ts";

export type Stated = { sql: string; state: string[] };

export function stated(definition: string): Stated {
  const [sql = "", ...state] = splitAt(definition, ";");
  return { sql, state };
}

/**
 * The actions that bring one state to another. `undo` gives the action that takes a state back; two states with the same
 * undoing are about the same thing, and the later simply replaces the earlier.
 */
export function stateActions(
  wanted: string[],
  found: string[],
  undo: (state: string) => string,
): string[] {
  const added = wanted.filter((state) => !found.includes(state));
  const replaced = added.map(undo);
  const removed = found.filter((state) => !wanted.includes(state)).map(undo);
  return [...removed.filter((action) => !replaced.includes(action)), ...added];
}

/** Takes back what ALTER gives to a column. */
export function undoColumnState(state: string): string {
  return state
    .replace(/SET STORAGE \w+$/, "SET STORAGE DEFAULT")
    .replace(/SET COMPRESSION \w+$/, "SET COMPRESSION default")
    .replace(/SET STATISTICS \d+$/, "SET STATISTICS -1")
    .replace(/SET DEFAULT .*$/s, "DROP DEFAULT")
    .replace(/SET \((.*)\)$/s, (_, list: string) => `RESET (${list.replace(/=[^,]*/g, "")})`);
}
