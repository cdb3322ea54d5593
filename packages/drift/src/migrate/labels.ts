/**
 * The order of an enum's labels. Prisma adds labels at their end, so in ordinary use the declared order and that of the
 * migrations part. To change it takes new tables on disk: that is not done without being asked for.
 */
import { type CatalogObject, keyOf } from "../model/object.ts";
import { items } from "../repair/clauses.ts";
import { additions } from "../repair/enums.ts";

export type Ordered = { objects: CatalogObject[]; warnings: string[] };

/** The declared objects with their enums in the order that they have in the history. */
export function inOrderOf(history: CatalogObject[], declared: CatalogObject[]): Ordered {
  const past = new Map(history.map((object) => [keyOf(object), object]));
  const warnings: string[] = [];
  const objects = declared.map((object) => {
    const before = object.kind === "enum" ? past.get(keyOf(object)) : undefined;
    const definition = before ? ordered(object.definition, before.definition) : null;
    if (definition === null || definition === object.definition) return object;
    warnings.push(
      `${keyOf(object)} has its labels in another order after the migrations. That alone is not changed: it would rewrite the tables that have it. --allow-dangerous does it.`,
    );
    return { ...object, definition };
  });
  return { objects, warnings };
}

/** Null where labels are gone, for which the enum has to be made anew in any case. */
function ordered(wanted: string, found: string): string | null {
  const [labels, present] = [wanted, found].map((text) => items(text.replace(/^ENUM /, "")));
  if (!labels || !present || present.some((label) => !labels.includes(label))) return null;
  const result = [...present];
  for (const { label, after } of additions(labels, present))
    result.splice(after === null ? 0 : result.indexOf(after) + 1, 0, label);
  return `ENUM (${result.join(", ")})`;
}
