/** Bodies of many records, read as they come: CSV with a header line, or JSON a line. */
import type { Context as HonoContext } from "hono";
import type { AuthedContext, AuthedEnv } from "../context.ts";
import type { SourceRecord } from "../fields.ts";
import { limitedBytes } from "./body.ts";
import { CsvFault, findSeparator, parseCsv, unguarded } from "./csv.ts";
import { isStorable, parseJson } from "./json-fault.ts";
import { decodeMarked, recordTypeOf } from "./record-type.ts";

const MAX_LINE = 65_536;

/** What the columns of a header line are called here, null for one that is left aside; or what is wrong with the line. */
export type ReadHeader = (cells: string[]) => (string | null)[] | { fault: string };

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
  readHeader: ReadHeader,
): AsyncGenerator<SourceRecord> {
  const { format, encoding } = recordTypeOf(c);
  const bytes = limitedBytes(c.req.raw, recordsLimit(c.get("ctx")), c.get("ctx").config);
  const text = decodeMarked(bytes, encoding);
  return format === "csv" ? readCsv(text, readHeader) : readJsonLines(text);
}

async function* readCsv(
  text: AsyncIterable<string>,
  readHeader: ReadHeader,
): AsyncGenerator<SourceRecord> {
  let names: (string | null)[] | null = null;
  try {
    const { separator, pieces } = await findSeparator(text);
    for await (const { line, cells: written } of parseCsv(pieces, separator)) {
      const cells = written.map((cell) => unguarded(cell.trim()));
      // Spreadsheets write empty rows and columns where something once stood.
      const filled = cells.findLastIndex((cell) => cell !== "") + 1;
      if (filled === 0 || (names === null && isForExcel(cells))) continue;
      if (names === null) {
        const header = readHeader(cells.slice(0, filled));
        if ("fault" in header) return yield { line, fault: header.fault, isEnd: true };
        names = header;
      } else if (cells.length < names.length || filled > names.length) {
        yield { line, fault: `Has ${cells.length} cells, and the header line ${names.length}` };
      } else if (!cells.every(isStorable)) {
        yield { line, fault: "Holds a NUL character" };
      } else {
        const entries = names.map((name, at) => [name, cells[at]]);
        const kept = entries.filter(([name, cell]) => name !== null && cell !== "");
        yield { line, value: Object.fromEntries(kept), isText: true };
      }
    }
  } catch (err) {
    if (!(err instanceof CsvFault)) throw err;
    yield { line: err.line, fault: err.message, isEnd: true };
  }
}

/** `sep=;` in front of the header line, which tells Excel the separator. */
function isForExcel([first]: string[]): boolean {
  return first?.toLowerCase() === "sep=";
}

async function* readJsonLines(text: AsyncIterable<string>): AsyncGenerator<SourceRecord> {
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
      if (each.trim() !== "") yield { line, ...parseLine(each) };
    }
    if (rest.length > MAX_LINE) return yield tooLong(line + 1);
  }
  if (rest.trim() !== "") yield { line: line + 1, ...parseLine(rest) };
}

function tooLong(line: number): SourceRecord {
  return { line, fault: "The line is too long", isEnd: true };
}

function parseLine(text: string): { value: unknown; isText: boolean } | { fault: string } {
  const parsed = parseJson(text);
  return "fault" in parsed
    ? { fault: parsed.fault ?? "Is not valid JSON" }
    : { value: parsed.value, isText: false };
}
