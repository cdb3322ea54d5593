/** Names as a person writes them into a file, by which an object is found there. */
import type { CatalogObject } from "../model/object.ts";

/** The names to look for: the object's own, and that of the object it belongs to, if that is no schema. */
export type Names = { kind: string; own: string; owner: string | null };

/**
 * The last parts of the names, as a person writes them: `public.users."Id"` is Id, `public.slug(text)` is slug. What is
 * attached to an object, such as a comment or a grant, is looked for under the name of that.
 */
export function namesOf({
  kind,
  name,
  parent,
}: Pick<CatalogObject, "kind" | "name" | "parent">): Names {
  const [, target] = /^on [^(]*?([^ (]+)(?:\(.*\))?(?: to .*)?$/.exec(name) ?? [];
  if (target !== undefined) return { kind, own: lastPart(target), owner: null };
  const isInSchema = parent === "" || parent.startsWith("schema ");
  return { kind, own: lastPart(name), owner: isInSchema ? null : lastPart(parent) };
}

function lastPart(name: string): string {
  const withoutArguments = name.replace(/\(.*\)$/, "");
  const last = /(?:"((?:[^"]|"")*)"|([^."]+))$/.exec(withoutArguments);
  return last?.[1]?.replaceAll('""', '"') ?? last?.[2] ?? withoutArguments;
}
