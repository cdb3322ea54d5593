import type { Row } from "../measure.ts";
import { READS } from "./reads.ts";
import { RESOURCES } from "./resources.ts";
import { SEARCHES } from "./search.ts";
import { WORKERS } from "./workers.ts";
import { WRITES } from "./writes.ts";

/** In the order in which they are measured: what changes the database most comes last. */
export const ROWS: Row[] = [...READS, ...WRITES, ...WORKERS, ...RESOURCES, ...SEARCHES];

/** Of the short form. */
export const CHECKED = ["check", "me", "list", "get", "audit", "login", "refresh"];

/** @throws Error for a key that there is not, with those that there are. */
export function chooseRows(only: readonly string[]): Row[] {
  const known = ROWS.map(({ key }) => key);
  const unknown = only.filter((key) => !known.includes(key));
  if (unknown.length > 0)
    throw new Error(`There is no row ${unknown.join(", ")}. There are: ${known.join(", ")}`);
  return only.length === 0 ? ROWS : ROWS.filter(({ key }) => only.includes(key));
}
