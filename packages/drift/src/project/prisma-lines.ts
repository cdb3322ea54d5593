/** Finds in a Prisma schema the line that a database object comes from, by the names that it gives to the database. */

import type { Place } from "../model/finding.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";
import type { Names } from "./names.ts";

type Block = { path: string; name: string; line: number; body: string[] };

/**
 * The line of the model, enum or field. A key or an index is on the line that names it, else where its columns are listed,
 * else on its model's.
 * @param definition of a key or an index, as PostgreSQL prints it.
 */
export function lineInPrismaSchema(
  files: SchemaFile[],
  { own, owner }: Names,
  definition = "",
): Place | null {
  const blocks = files.flatMap(blocksOf);
  const block = blocks.find(({ name }) => name === (owner ?? own));
  if (!block) return null;
  if (owner === null) return { path: block.path, line: block.line };
  const named = block.body.findIndex((line) => names(line, own));
  const index = named >= 0 ? named : lineOfColumns(block.body, definition);
  return { path: block.path, line: block.line + index + 1 };
}

const KEY = /(PRIMARY KEY|UNIQUE|FOREIGN KEY|USING \w+)(?: NULLS NOT DISTINCT)? \(([^()]*)\)/;

/** -1 where no line lists just these columns as what the definition makes of them. */
function lineOfColumns(body: string[], definition: string): number {
  const [, word = "", list = ""] = KEY.exec(definition) ?? [];
  const columns = list.split(", ").map((column) => column.replace(/^"(.*)"$|^(\w+) .*$/, "$1$2"));
  if (word === "") return -1;
  const isUnique = word === "UNIQUE" || definition.startsWith("CREATE UNIQUE");
  const attribute = word === "PRIMARY KEY" ? "id" : isUnique ? "unique" : "index";
  const listed =
    word === "FOREIGN KEY"
      ? /@relation\(.*?\bfields:\s*\[([^\]]*)\]/
      : new RegExp(`@@${attribute}\\(.*?\\[([^\\]]*)\\]`);
  const fields = new Map(
    body.flatMap((line) => {
      const [, field] = /^\s*(\w+)\s+\w/.exec(line) ?? [];
      return field === undefined
        ? []
        : [[field, /@map\((?:name:\s*)?"([^"]+)"/.exec(line)?.[1] ?? field]];
    }),
  );
  return body.findIndex((line) => {
    if (/^\s*\/\//.test(line)) return false;
    const several = listed
      .exec(line)?.[1]
      ?.split(",")
      .map((field) => field.trim().replace(/\W.*$/, ""));
    if (several) return several.map((field) => fields.get(field)).join() === columns.join();
    const field = /^\s*(\w+)/.exec(line)?.[1] ?? "";
    const isOwn = word !== "FOREIGN KEY" && new RegExp(`\\s@${attribute}\\b`).test(line);
    return isOwn && columns.join() === fields.get(field);
  });
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
