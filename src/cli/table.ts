/** Tables, sizes and times as commands print them. */

/** Columns of texts to the left, of numbers to the right. An empty one has its head alone. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(textOf))];
  const widths = head.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? "").length)),
  );
  const isNumber = head.map((_, column) =>
    rows.some((row) => typeof row[column] === "number" || isSized(row[column])),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

export type Cell = string | number | Sized;
/** A number with its unit. */
type Sized = { text: string };

function isSized(cell: Cell | undefined): cell is Sized {
  return typeof cell === "object";
}

function textOf(cell: Cell): string {
  if (typeof cell === "string") return cell;
  return typeof cell === "number" ? count(cell) : cell.text;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** @param value in bytes. */
export function size(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log(Math.max(Math.abs(value), 1)) / Math.log(1024)), 4);
  const scaled = value / 1024 ** power;
  return `${Math.abs(scaled) >= 100 || power === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

/** @param seconds in the largest unit of which there are two. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const [unit = "s", length = 1] = UNITS.find(([, unitLength]) => seconds >= 2 * unitLength) ?? [];
  return `${Math.round(seconds / length)} ${unit}`;
}
const UNITS = [
  ["days", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

export function sized(text: string): Sized {
  return { text };
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.995 || share < 0.1 ? 2 : 0)} %`;
}
