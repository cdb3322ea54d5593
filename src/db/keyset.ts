/** Keyset pages: stable under concurrent writes, and as fast on page 500 as on the first. */
import { z } from "zod";
import { ValidationError } from "../errors.ts";
import { Instant } from "../fields.ts";

/** How a list is sorted: by one column, ties by id in the same direction. */
export type SortOrder = {
  /** The list's name: a cursor of another list is refused. */
  list: string;
  column: string;
  type: "instant" | "text";
  direction: "asc" | "desc";
  nullable?: boolean;
};
export type Page<Item> = { items: Item[]; nextCursor: string | null };

type Value = Date | string | null;
/** Of the last row of a page. */
export type Position = { value: Value; id: string };
type Where = Record<string, unknown>;
/** A part of the list for hand-written SQL: what follows `value` and `id`; of `nulls` only rows without a value, or only those with one. */
export type Bounds = { value: Value; id: string | null; nulls: boolean | null };
const WHOLE: Bounds = { value: null, id: null, nulls: null };
/** The rest of the arguments of a `findMany`: `where` goes beside the list's own conditions, under AND. */
export type Range = { where: Where; orderBy: Record<string, "asc" | "desc">[]; take: number };

const CursorText = z.tuple([z.string(), z.string().max(255).nullable(), z.uuid()]);
const VALUES = {
  instant: Instant,
  // PostgreSQL cannot compare with what it cannot hold.
  text: z.string().refine((text) => !text.includes("\0")),
};

/**
 * Reads the page after `cursor`. PostgreSQL puts NULLs last when ascending and first when descending; so does this.
 * @param read is also told the position itself, for a statement by hand in an order that is not nullable, and the part of the list, for
 * one in any order.
 * @throws ValidationError for a cursor that is not ours, or of another list or sort order.
 */
export async function readPage<Row extends { id: string }>(
  order: SortOrder,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  read: (range: Range, after: Position | undefined, bounds: Bounds) => Promise<Row[]>,
): Promise<Page<Row>> {
  const { column, direction } = order;
  const orderBy = [{ [column]: direction }, { id: direction }];
  const rows: Row[] = [];
  const after = cursor === undefined ? undefined : decode(cursor, order);
  for (const bounds of after ? partsAfter(order, after) : [WHOLE]) {
    // One row more than fits, to know whether there is a next page.
    const take = limit + 1 - rows.length;
    const where = whereOf(order, bounds);
    if (take > 0) rows.push(...(await read({ where, orderBy, take }, after, bounds)));
  }
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? encode(order, last) : null };
}

/** What follows a position, in its order. Rows with and without a value are two parts, as an index can seek to each and not to both. */
function partsAfter({ direction, nullable }: SortOrder, { value, id }: Position): Bounds[] {
  const ascending = direction === "asc";
  const only = (nulls: boolean): Bounds => ({ value: null, id: null, nulls });
  if (value === null) {
    const rest = { value, id, nulls: true };
    return ascending ? [rest] : [rest, only(false)];
  }
  const rest = { value, id, nulls: null };
  return ascending && nullable ? [rest, only(true)] : [rest];
}

/**
 * The bound that `OR` repeats is what PostgreSQL seeks by: from the `OR` alone it would read, and throw away, every row
 * before the position.
 */
function whereOf({ column, direction }: SortOrder, { value, id, nulls }: Bounds): Where {
  const [beyond, from] = direction === "asc" ? (["gt", "gte"] as const) : (["lt", "lte"] as const);
  const tie = id === null ? {} : { id: { [beyond]: id } };
  if (value !== null)
    return { [column]: { [from]: value }, OR: [{ [column]: { [beyond]: value } }, tie] };
  if (nulls === null) return {};
  return { [column]: nulls ? null : { not: null }, ...tie };
}

function encode(order: SortOrder, row: { id: string } & Where): string {
  return Buffer.from(JSON.stringify([nameOf(order), row[order.column], row.id])).toString(
    "base64url",
  );
}

function decode(cursor: string, order: SortOrder): Position {
  const [name, text, id] = parse(cursor) ?? [];
  if (name === nameOf(order) && text !== undefined && id !== undefined) {
    const value = text === null ? null : VALUES[order.type].safeParse(text).data;
    if (value !== undefined && (value !== null || order.nullable)) return { value, id };
  }
  throw new ValidationError([
    { path: "cursor", message: "Not a cursor of this list: begin again without one" },
  ]);
}

function parse(cursor: string) {
  try {
    return CursorText.safeParse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

function nameOf({ list, column, direction }: SortOrder): string {
  return `${list} ${column} ${direction}`;
}
