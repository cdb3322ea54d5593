/** Bodies of many records, read as they come: CSV with a header line, or JSON a line. */
import type { Context as HonoContext } from "hono";
import type { AuthedContext, AuthedEnv } from "../context.ts";
import type { Columns, SourceRecord } from "../fields.ts";
import { limitedBytes } from "./body.ts";
import { CsvFault, findDialect, parseCsv, unguarded } from "./csv.ts";
import { isStorable, parseJson } from "./json-fault.ts";
import { decodeMarked, recordTypeOf } from "./record-type.ts";

const MAX_LINE = 65_536;

/** Half of what the server itself lets in (index.ts). */
export function recordsLimit({ config }: AuthedContext): number {
  return config.bodyLimitBytes * 32;
}

/**
 * The records of the body. Of CSV each is an object of text, without its empty cells and the spaces around the others.
 * @throws ApiError `unsupported_media_type`; while reading, `body_too_large`, `body_too_slow` and `malformed_body`.
 */
export function readRecords(
  c: HonoContext<AuthedEnv>,
  columns: Columns,
): AsyncGenerator<SourceRecord> {
  const { format, encoding } = recordTypeOf(c);
  const bytes = limitedBytes(c.req.raw, recordsLimit(c.get("ctx")), c.get("ctx").config);
  const text = decodeMarked(bytes, encoding);
  return format === "csv" ? readCsv(text, columns) : readJsonLines(text, columns);
}

async function* readCsv(
  text: AsyncIterable<string>,
  { readHeader }: Columns,
): AsyncGenerator<SourceRecord> {
  let names: (string | null)[] | null = null;
  try {
    const { pieces, ...dialect } = await findDialect(text);
    for await (const { line, cells: written } of parseCsv(pieces, dialect)) {
      const cells = written.map((cell) => unguarded(cell.trim()));
      // Spreadsheets write empty rows and columns where something once stood.
      const filled = cells.findLastIndex((cell) => cell !== "") + 1;
      if (filled === 0 || (names === null && isForExcel(cells))) continue;
      if (names === null) {
        const header = readHeader(cells.slice(0, filled));
        if ("fault" in header) return yield { line, fault: header.fault, isEnd: true };
        names = header;
      } else if (filled > names.length) {
        yield { line, fault: `Has ${cells.length} cells, and the header line ${names.length}` };
      } else if (!cells.every(isStorable)) {
        yield { line, fault: "Holds a NUL character" };
      } else {
        // Excel leaves out what is empty at the end of a row, and so do people who write by hand.
        const entries = names.map((name, at) => [name, cells[at] ?? ""]);
        const kept = entries.filter(([name, cell]) => name !== null && cell !== "");
        yield { line, value: Object.fromEntries(kept), isText: true };
      }
    }
  } catch (err) {
    if (!(err instanceof CsvFault)) throw err;
    yield { line: err.line, fault: err.message, isEnd: true };
  }
}

/** `sep=;` in front of the header line, which tells Excel the separator; in quotes it is one cell. */
function isForExcel(cells: string[]): boolean {
  return /^sep=[,;\t]?$/i.test(cells.join(""));
}

async function* readJsonLines(
  text: AsyncIterable<string>,
  columns: Columns,
): AsyncGenerator<SourceRecord> {
  let rest = "";
  let line = 0;
  for await (const piece of text) {
    // A line that comes in a thousand pieces is looked through once, and not at every piece.
    const lines = piece.includes("\n") ? (rest + piece).split("\n") : [rest + piece];
    rest = lines.pop() ?? "";
    for (const each of lines) {
      line += 1;
      // Whether it has come whole or not: that depends on how it was cut into packets.
      if (each.length > MAX_LINE) return yield tooLong(line);
      if (each.trim() !== "") yield { line, ...parseLine(each, columns) };
    }
    if (rest.length > MAX_LINE) return yield tooLong(line + 1);
  }
  if (rest.trim() !== "") yield { line: line + 1, ...parseLine(rest, columns) };
}

function tooLong(line: number): SourceRecord {
  return { line, fault: "The line is too long", isEnd: true };
}

function parseLine(
  text: string,
  columns: Columns,
): { value: unknown; isText: boolean } | { fault: string } {
  const parsed = parseJson(text);
  if ("fault" in parsed) return { fault: parsed.fault ?? "Is not valid JSON" };
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { value, isText: false };
  return renamed(Object.entries(value), columns);
}

/** Keys as other systems write them, `email_verified` or `given_name`. What is not known stays for the schema to refuse. */
function renamed(
  entries: [key: string, value: unknown][],
  { fieldOf }: Columns,
): { value: unknown; isText: boolean } | { fault: string } {
  const fields = new Map<string, unknown>();
  for (const [key, value] of entries) {
    const field = fieldOf(key);
    if (field === null) continue;
    const name = field ?? key;
    if (fields.has(name))
      return { fault: `Names a field twice: ${JSON.stringify(key.slice(0, 50))}` };
    fields.set(name, value);
  }
  return { value: Object.fromEntries(fields), isText: false };
}
