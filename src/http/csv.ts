/**
 * CSV as RFC 4180 has it, read strictly: what one program takes for a quote and the next for text is refused. Of the
 * separators that spreadsheets write, by the language of their user, it takes three.
 */
import { type Options, stringify } from "csv-stringify/sync";

export type CsvRow = { line: number; cells: string[] };

/** Where the text is no CSV; what follows has no sure beginning and cannot be read. */
export class CsvFault extends Error {
  override name = "CsvFault";

  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}

/** More than any cell of ours, and little enough to hold. */
const MAX_CELL = 4096;
const MAX_CELLS = 50;

/**
 * Where in a cell the reader is; `closed` is after a quote that ends it, or is the first half of a quoted one; `after` among the
 * spaces behind a quoted cell.
 */
type State = "start" | "plain" | "quoted" | "closed" | "after" | "return";

const SEPARATORS = [",", ";", "\t"] as const;
export type Separator = (typeof SEPARATORS)[number];
/** What ends a line, with a carriage return before it or without. A CR alone is what Excel writes as "CSV (Macintosh)". */
export type LineEnd = "\n" | "\r";
export type Dialect = { separator: Separator; lineEnd: LineEnd };
/** A header line of fifty cells is shorter; what is longer, the parser refuses. */
const LONGEST_HEADER = 65_536;
/** How a spreadsheet is told the separator, which one that saved the file again may have put in quotes. */
const SEPARATOR_LINE = /^"?sep=([,;\t])/i;

/**
 * Which separator the first line names, or has most often outside of quotes, and with what it ends; and the text, from its
 * beginning.
 */
export async function findDialect(
  text: AsyncIterable<string>,
): Promise<Dialect & { pieces: AsyncIterable<string> }> {
  const iterator = text[Symbol.asyncIterator]();
  let begin = "";
  let hasBegun = false;
  for (let piece = await iterator.next(); !piece.done; piece = await iterator.next()) {
    begin += piece.value;
    // Each piece is looked through once, however small it is.
    const at: number = hasBegun ? 0 : piece.value.search(/\S/);
    hasBegun ||= at !== -1;
    if (begin.length > LONGEST_HEADER) break;
    // After a carriage return at the end of a piece may come its line feed.
    if (hasBegun && /[\r\n]/.test(piece.value.slice(at)) && !begin.endsWith("\r")) break;
  }
  const unquoted = begin.replace(/"[^"]*"/g, "").trimStart();
  const [line = ""] = unquoted.split(/[\r\n]/, 1);
  const lineEnd = /^[^\n\r]*\r(?!\n)/.test(unquoted) ? "\r" : "\n";
  const count = (separator: Separator) => line.split(separator).length;
  const [, named] = SEPARATOR_LINE.exec(begin.trimStart()) ?? [];
  const separator =
    SEPARATORS.find((each) => each === named) ??
    SEPARATORS.toSorted((a, b) => count(b) - count(a))[0] ??
    ",";
  return { separator, lineEnd, pieces: pieces() };

  async function* pieces(): AsyncGenerator<string> {
    try {
      yield begin;
      yield* { [Symbol.asyncIterator]: () => iterator };
    } finally {
      await iterator.return?.();
    }
  }
}

/**
 * The rows of a text that comes in pieces. Lines end with CRLF or LF, or all of them with CR; cells may be quoted, with spaces
 * around the quotes, which are no part of them. csv-parse 7, no faster, takes a
 * lone CR, a NUL behind a closing quote and 33 million empty cells (380 MB), and counts CRLF within quotes as two lines.
 * @throws CsvFault
 */
export async function* parseCsv(
  pieces: AsyncIterable<string>,
  { separator, lineEnd }: Dialect = { separator: ",", lineEnd: "\n" },
): AsyncGenerator<CsvRow> {
  let state: State = "start";
  let cells: string[] = [];
  let cell = "";
  let line = 1;
  let begin = 1;

  function endCell(): void {
    if (cells.push(cell) > MAX_CELLS) throw new CsvFault(begin, `Has more than ${MAX_CELLS} cells`);
    cell = "";
    state = "start";
  }
  function endRow(): CsvRow {
    endCell();
    const row = { line: begin, cells };
    cells = [];
    line += 1;
    begin = line;
    return row;
  }
  function add(char: string): void {
    if (cell.length >= MAX_CELL)
      throw new CsvFault(begin, `Has a cell of more than ${MAX_CELL} characters`);
    cell += char;
  }

  for await (const piece of pieces) {
    for (const char of piece) {
      if (state === "quoted") {
        if (char === '"') state = "closed";
        else add(char);
        if (char === lineEnd) line += 1;
      } else if (state === "return" && char !== "\n") {
        throw new CsvFault(line, "Has a carriage return that no line feed follows");
      } else if (char === separator) {
        endCell();
      } else if (char === lineEnd) {
        yield endRow();
      } else if (char === "\r") {
        state = "return";
      } else if (char === "\n") {
        throw new CsvFault(line, "Has a line feed where lines end with a carriage return");
      } else if (char === '"' && state === "closed") {
        // Twice, within quotes: one that is meant.
        add(char);
        state = "quoted";
      } else if (char === '"' && cell.trim() === "" && (state === "start" || state === "plain")) {
        cell = "";
        state = "quoted";
      } else if (isBlank(char) && (state === "closed" || state === "after")) {
        state = "after";
      } else if (char === '"' || state === "closed" || state === "after") {
        throw new CsvFault(line, "Has a quote within a cell: quote the cell, and double the quote");
      } else {
        state = "plain";
        add(char);
      }
    }
  }
  if (state === "quoted") throw new CsvFault(begin, "Has a quoted cell that does not end");
  if (state === "return")
    throw new CsvFault(line, "Has a carriage return that no line feed follows");
  if (state !== "start" || cells.length > 0) yield endRow();
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t";
}

const WRITTEN: Options = {
  record_delimiter: "\r\n",
  // Else a lone line feed stands bare, and begins a row for many a reader.
  quote_record_delimiter: true,
  // For readers that split at several separators, but know quotes, as LibreOffice does unless it is told.
  quoted_match: /[;\t]/,
};

/** What a spreadsheet reads as the beginning of a formula: the signs that NFKC makes one of = + - @ as well. */
const SIGN =
  "[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20\\ufe66\\ufe62\\ufe63\\ufe6b\\u207c\\u207a\\u207b\\u208c\\u208a\\u208b\\ufb29]";
/** What it may leave out before: quotes, spaces, what is not seen. No separator, so that no run is looked through twice. */
const SKIPPED = '["\\v\\f\\p{Zs}\\p{Zl}\\p{Zp}\\p{Cf}]*';
/**
 * Where a formula would begin, for a reader that splits at commas, semicolons, tabs or lines, and whose quotes begin
 * elsewhere (CWE-1236): a cell of ours that holds `;=1+1` is two of its cells. The apostrophes that stand there already are
 * counted in, so that the way back is one and the same.
 */
const FORMULA = new RegExp(`((?:^|[,;\\t\\r\\n])${SKIPPED}'*)(?=${SIGN})`, "gu");
const GUARDED = new RegExp(`((?:^|[,;\\t\\r\\n])${SKIPPED}'*)'(?=${SIGN})`, "gu");
const FORMULA_SIGN = new RegExp(`((?:^|[,;])${SKIPPED}'*)(${SIGN})`, "gu");
const JSON_STRING = /"(?:[^"\\]|\\.)*"/g;
/** Some leave these out at the beginning of a cell. */
const LEFT_OUT = /^('*)(?=[\t\r])/;
const GUARDED_LEFT_OUT = /^('*)'(?=[\t\r])/;

/** A row as text that is safe to open; null is an empty cell. */
export function toCsvRow(cells: readonly unknown[]): string {
  return stringify([cells.map((cell) => guarded(toText(cell)))], WRITTEN);
}

/** A cell of an export as it was before: without the apostrophes that make it safe. */
export function unguarded(cell: string): string {
  return cell.replace(GUARDED_LEFT_OUT, "$1").replace(GUARDED, "$1");
}

function guarded(cell: string): string {
  return cell.replace(FORMULA, "$1'").replace(LEFT_OUT, "$1'");
}

function toText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  // Names of roles, as an import takes them.
  if (Array.isArray(cell)) return cell.join(";");
  return typeof cell === "object" ? toJson(cell) : String(cell);
}

/** In JSON's own spelling of a character no formula begins either, and who parses it has the text as it was. */
function toJson(value: object): string {
  return JSON.stringify(value).replace(JSON_STRING, (string) =>
    string.replace(
      FORMULA_SIGN,
      (_, before, sign) => `${before}\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
}
