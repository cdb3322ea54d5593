/** Finds in a Prisma schema the line that a database object comes from, by the names that it gives to the database. */

import type { Place } from "../model/finding.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";
import type { Names } from "./names.ts";

type Block = { path: string; name: string; line: number; body: string[] };

/** The line of the model, enum or field; for a key or an index without a name of its own, that of its model. */
export function lineInPrismaSchema(files: SchemaFile[], { own, owner }: Names): Place | null {
  const blocks = files.flatMap(blocksOf);
  const block = blocks.find(({ name }) => name === (owner ?? own));
  if (!block) return null;
  const index = owner === null ? -1 : block.body.findIndex((line) => names(line, own));
  return { path: block.path, line: block.line + index + 1 };
}

/** Models and enums under the name that they have in the database. */
function blocksOf({ path, content }: SchemaFile): Block[] {
  const lines = content.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const [, name] = /^\s*(?:model|enum)\s+(\w+)\s*\{/.exec(line) ?? [];
    if (name === undefined) return [];
    const length = lines.slice(index).findIndex((line) => /^\s*\}/.test(line));
    const body = lines.slice(index + 1, length < 0 ? undefined : index + length);
    const mapped = body
      .map((line) => /^\s*@@map\((?:name:\s*)?"([^"]+)"\)/.exec(line)?.[1])
      .find((found) => found !== undefined);
    return [{ path, name: mapped ?? name, line: index + 1, body }];
  });
}

/** A field is called by its @map or else by its own name, an index or a key by its `map:`. */
function names(line: string, own: string): boolean {
  if (/^\s*\/\//.test(line)) return false;
  const quoted = `"${own}"`;
  if (/\bmap(?:\(|:)/.test(line) && line.includes(quoted)) return true;
  return !/@map\(/.test(line) && /^\s*(\w+)/.exec(line)?.[1] === own;
}
