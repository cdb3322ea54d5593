/** Bodies of many records, read as they come: CSV with a header line, or JSON a line. */
import type { Context as HonoContext } from "hono";
import type { AuthedContext, AuthedEnv } from "../context.ts";
import type { SourceRecord } from "../fields.ts";
import { decode, limitedBytes, textTypeOf, unsupportedType } from "./body.ts";
import { CsvFault, parseCsv } from "./csv.ts";
import { isStorable, parseJson } from "./json-fault.ts";

export const RECORD_TYPES = ["text/csv", "application/x-ndjson"] as const;

const MAX_LINE = 65_536;

/** Half of what the server itself lets in (index.ts). */
export function recordsLimit({ config }: AuthedContext): number {
  return config.bodyLimitBytes * 32;
}

/**
 * The records of the body. Of CSV each is an object of text, by the names of the header line, without its empty cells.
 * @throws ApiError `unsupported_media_type`; while reading, `body_too_large`, `body_too_slow` and `malformed_body`.
 */
export function readRecords(c: HonoContext<AuthedEnv>): AsyncGenerator<SourceRecord> {
  const read = READERS.get(textTypeOf(c) ?? "");
  if (!read)
    throw unsupportedType(
      c,
      RECORD_TYPES,
      `Send ${RECORD_TYPES.join(" or ")} in UTF-8, not compressed.`,
    );
  // Without the mark of byte order that spreadsheets put in front.
  return read(decode(limitedBytes(c.req.raw, recordsLimit(c.var.ctx), c.var.ctx.config)));
}

/** A Map, as wherever a caller's word is looked up: an object would find its prototype's `constructor` too. */
const READERS = new Map<string, (text: AsyncIterable<string>) => AsyncGenerator<SourceRecord>>([
  ["text/csv", readCsv],
  ["application/x-ndjson", readJsonLines],
]);

async function* readCsv(text: AsyncIterable<string>): AsyncGenerator<SourceRecord> {
  let names: string[] | null = null;
  try {
    for await (const { line, cells } of parseCsv(text)) {
      if (names === null) {
        names = cells;
        if (new Set(names).size === names.length && !names.includes("__proto__")) continue;
        const fault = "The header line names a column twice, or one with no name";
        return yield { line, fault, isEnd: true };
      }
      if (cells.length === 1 && cells[0] === "") continue;
      if (cells.length !== names.length) {
        yield { line, fault: `Has ${cells.length} cells, and the header line ${names.length}` };
      } else if (!cells.every(isStorable)) {
        yield { line, fault: "Holds a NUL character" };
      } else {
        const entries = names.map((name, at) => [name, cells[at]]);
        const value = Object.fromEntries(entries.filter(([, cell]) => cell !== ""));
        yield { line, value, isText: true };
      }
    }
  } catch (err) {
    if (!(err instanceof CsvFault)) throw err;
    yield { line: err.line, fault: err.message, isEnd: true };
  }
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
