/** Between a plan and its end nobody else changes the tables that it is about. */
import type pg from "pg";
import { CANONICAL_OUTPUT } from "../catalog/catalog.ts";
import { differingKeys } from "../model/diff.ts";
import { DriftError } from "../model/errors.ts";
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { fewOf } from "../model/words.ts";
import { byKey } from "./assumptions.ts";
import type { Step } from "./plan.ts";
import type { RepairTask } from "./task.ts";

/**
 * To be called in the transaction that will run the steps. Rows may be read and written meanwhile. What has changed since the plan
 * was made, it was not made for: what it calls safe may lose something now.
 * @throws DriftError for that.
 */
export async function holdStill(
  client: pg.Client,
  steps: Step[],
  { actual, reader }: RepairTask,
): Promise<void> {
  const tables = tablesOf(steps, actual);
  if (tables.length > 0)
    await client.query(
      `LOCK TABLE ${tables.map((name) => `ONLY ${name}`).join(", ")} IN SHARE UPDATE EXCLUSIVE MODE`,
    );
  await client.query(CANONICAL_OUTPUT);
  const changed = differingKeys(actual, await reader(client));
  if (changed.length > 0)
    throw new DriftError(
      `Nothing was run, since somebody has changed the schema meanwhile: ${fewOf(changed)}. Repair again.`,
    );
}

/** Those that a step is about, or a part of which. */
function tablesOf(steps: Step[], actual: CatalogObject[]): string[] {
  const objects = byKey(actual);
  const found = new Set<string>();
  for (const step of steps) {
    const first = objects.get(step.key);
    for (let object = first; object; object = objects.get(object.parent))
      if (object.kind === "table") found.add(keyOf(object));
  }
  return actual.filter((object) => found.has(keyOf(object))).map(qualifiedName);
}
