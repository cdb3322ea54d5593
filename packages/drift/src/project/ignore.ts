/** Objects that are left out of the comparison: by a pattern on the command line, or by a line of a file with a reason. */
import { DriftError } from "../model/errors.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { isExternal } from "../prisma/externals.ts";
import { readText } from "./files.ts";

/** Whether the object of a key is left out. */
export type Ignored = (key: string) => boolean;

/** Prisma's own bookkeeping is in every live database and in no declared one. */
const isPrismaHistory: Ignored = (key) => /[ .]_prisma_migrations$/.test(key);

/** `PATTERN # reason`. Who reads the file in a year wants to know whether the line may go. */
const LINE = /^(\S.*?)\s+#\s*(\S.*)$/;

/** @param external keys of what Prisma's configuration leaves to others. */
export async function readIgnored(
  path: string | null,
  patterns: string[],
  external: readonly string[] = [],
): Promise<Ignored> {
  const all = [...patterns, ...(path === null ? [] : await readPatterns(path))].map(glob);
  const isOthers = isExternal(external);
  return (key) => isPrismaHistory(key) || isOthers(key) || all.some((pattern) => pattern.test(key));
}

/** The objects without those that are ignored, and without all that belongs to them. */
export function withoutIgnored(
  objects: CatalogObject[],
  ignored: Ignored = isPrismaHistory,
): CatalogObject[] {
  const parentOf = new Map(objects.map((object) => [keyOf(object), object.parent]));
  const isIgnored = (key: string): boolean =>
    key !== "" && (ignored(key) || isIgnored(parentOf.get(key) ?? ""));
  return objects.filter((object) => !isIgnored(keyOf(object)));
}

async function readPatterns(path: string): Promise<string[]> {
  const text = await readText(path);
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const pattern = LINE.exec(line.trim())?.[1];
    if (pattern !== undefined) return [pattern];
    throw new DriftError(
      `${path}:${index + 1}: a pattern needs a reason. A line reads: index public.legacy_* # why it is left out`,
    );
  });
}

/** `*` stands for anything and `?` for one character; all else is itself. */
function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
