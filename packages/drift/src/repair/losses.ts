/** What became of rows between two censuses. It knows no statement: whatever was run, this is what it did. */
import { fewOf } from "../model/words.ts";
import type { Census, CountedTable } from "./census.ts";

/** What rows have lost, in words; nothing where all of them are as they were. */
export function lossesBetween(before: Census, after: Census): string[] {
  const byOid = new Map(after.tables.map((table) => [table.oid, table]));
  const byName = new Map(after.tables.map((table) => [table.name, table]));
  const wholes = before.tables.filter(({ isPart }) => !isPart);
  const tables = wholes.flatMap((table) => {
    const same = byOid.get(table.oid);
    // Rows that were moved into a table of the same name are there still; of an empty one nobody knows.
    const there = same ?? (table.rows.length > 0 ? byName.get(table.name) : undefined);
    return there ? lossesOf(table, there) : [`drops table ${table.name} with its rows`];
  });
  return [...tables, ...namesTaken(before, byOid), ...positionsLost(before, after)];
}

function lossesOf(before: CountedTable, after: CountedTable): string[] {
  const isSame = before.oid === after.oid;
  const lost: string[] = [];
  const kept: { from: string; to: string }[] = [];
  for (const column of before.columns) {
    const there =
      after.columns.find(({ number }) => isSame && number === column.number) ??
      after.columns.find(({ name }) => name === column.name);
    // What is computed from now on replaces what was there.
    const isReplaced = there?.computed && !column.computed;
    if (there && !isReplaced) kept.push({ from: column.name, to: there.name });
    else if (!column.computed) lost.push(column.name);
  }
  const drops = lost.map((name) => `drops column ${before.name}.${quoted(name)} with its data`);
  if (after.rows.length < before.rows.length && !isSame)
    return [`drops table ${before.name} with its rows`];
  if (after.rows.length < before.rows.length) return [...drops, `deletes rows of ${before.name}`];
  // A computed column follows its expression, which is what is declared.
  const compared = kept.filter(({ to }) => !isComputed(after, to));
  const from = compared.map((column) => column.from);
  const to = compared.map((column) => column.to);
  if (isKept(valuesOf(before, from), valuesOf(after, to))) return drops;
  const changed = compared.filter(
    (column) => !isKept(valuesOf(before, [column.from]), valuesOf(after, [column.to])),
  );
  const named = changed.length > 0 ? fewOf(changed.map((column) => column.to)) : "their order";
  return [...drops, `changes values of ${before.name}: ${named}`];
}

function isComputed({ columns }: CountedTable, name: string): boolean {
  return columns.some((column) => column.name === name && column.computed);
}

/** One text a row for the values of some columns; rows have no order of their own. */
function valuesOf({ rows }: CountedTable, columns: string[]): string[] {
  return rows.map((row) => columns.map((column) => textOf(row[column])).join("\t"));
}

/** Whether all are there still. More come with a partition that is put in. */
function isKept(before: string[], after: string[]): boolean {
  const left = new Map<string, number>();
  for (const row of after) left.set(row, (left.get(row) ?? 0) + 1);
  for (const row of before) {
    const number = left.get(row) ?? 0;
    if (number === 0) return false;
    left.set(row, number - 1);
  }
  return true;
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A number and its text are the same value, and so are a composite one and the same with an attribute more that is NULL. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "object" ? JSON.stringify(value, withoutNull) : String(value);
}

function withoutNull(_: string, value: unknown): unknown {
  return value ?? undefined;
}

/** The same rows under another name: whether that is what they are, only a person knows. */
function namesTaken(before: Census, byOid: Map<string, CountedTable>): string[] {
  return before.tables.flatMap((table) => {
    const now = byOid.get(table.oid);
    if (!now) return [];
    if (now.name !== table.name) return [`takes table ${table.name} for ${now.name}`];
    return table.columns.flatMap(({ number, name }) => {
      const column = now.columns.find((other) => other.number === number);
      return column && column.name !== name
        ? [`takes column ${table.name}.${quoted(name)} for ${quoted(column.name)}`]
        : [];
    });
  });
}

function positionsLost(before: Census, after: Census): string[] {
  const behind = after.numbered.filter(({ isAhead }) => !isAhead);
  const wasBehind = new Set(
    before.numbered.filter(({ isAhead }) => !isAhead).map(({ name }) => name),
  );
  const anew = [...before.sequences].filter(
    ([key, oid]) => after.sequences.has(key) && after.sequences.get(key) !== oid,
  );
  const owned = new Set(after.numbered.map(({ sequence }) => `sequence ${sequence}`));
  return [
    ...behind
      .filter(({ name }) => !wasBehind.has(name))
      .map(({ name }) => `numbers ${name} from a place that rows have already`),
    ...anew.filter(([key]) => !owned.has(key)).map(([key]) => `begins ${key} anew`),
  ];
}
