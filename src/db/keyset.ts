/** Keyset pages: stable under concurrent writes, and as fast on page 500 as on the first. */
import { z } from "zod";
import { ValidationError } from "../errors.ts";

export type Direction = "asc" | "desc";
/** A column to sort by; ties are broken by id, in the same direction. */
export type SortOrder = { column: string; direction: Direction; nullable?: boolean };
export type Page<Item> = { items: Item[]; nextCursor: string | null };

type Value = string | null;
const Cursor = z.tuple([z.string(), z.string().max(255).nullable(), z.uuid()]);

/**
 * The rest of the arguments of a `findMany` that reads the page after `cursor`. One row more than `limit` is read, to
 * know whether there is a next page. PostgreSQL puts NULLs last when ascending and first when descending; so do these.
 * @throws ValidationError for a cursor that is not ours or belongs to another sort order.
 */
export function keyset(order: SortOrder, limit: number, cursor: string | undefined) {
  const { column, direction } = order;
  const after = cursor === undefined ? {} : rowsAfter(order, decodeCursor(cursor, column, direction));
  return { where: after, orderBy: [{ [column]: direction }, { id: direction }], take: limit + 1 };
}

/** Cuts the extra row off and makes the cursor of the next page. */
export function toPage<Row extends { id: string }>(rows: Row[], limit: number, { column, direction }: SortOrder): Page<Row> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  if (!last) return { items, nextCursor: null };
  return { items, nextCursor: encodeCursor(column, direction, columnValue(last, column), last.id) };
}

function rowsAfter({ column, direction, nullable }: SortOrder, { value, id }: { value: Value; id: string }) {
  const beyond = direction === "asc" ? "gt" : "lt";
  const tie = { [column]: value, id: { [beyond]: id } };
  if (value === null) return direction === "asc" ? tie : { OR: [tie, { [column]: { not: null } }] };
  const further = { [column]: { [beyond]: value } };
  return direction === "asc" && nullable ? { OR: [further, tie, { [column]: null }] } : { OR: [further, tie] };
}

function columnValue(row: Record<string, unknown>, column: string): Value {
  const value = row[column];
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : null;
}

function encodeCursor(column: string, direction: Direction, value: Value, id: string): string {
  return Buffer.from(JSON.stringify([`${column} ${direction}`, value, id])).toString("base64url");
}

function decodeCursor(cursor: string, column: string, direction: Direction): { value: Value; id: string } {
  const [order, value, id] = parseCursor(cursor) ?? [];
  if (order !== `${column} ${direction}` || value === undefined || id === undefined) {
    throw new ValidationError([{ path: "cursor", message: "Not a cursor of this list: begin again without one" }]);
  }
  return { value, id };
}

function parseCursor(cursor: string) {
  try {
    return Cursor.safeParse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
