/** CSV as RFC 4180 has it, read strictly: what one program takes for a quote and the next for text is refused. */
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

/** Where in a cell the reader is; `closed` is after a quote that ends it, or is the first half of a quoted one. */
type State = "start" | "plain" | "quoted" | "closed" | "return";

/**
 * The rows of a text that comes in pieces. Lines end with CRLF or LF; cells may be quoted. csv-parse 7, no faster, takes a
 * lone CR, a NUL behind a closing quote and 33 million empty cells (380 MB), and counts CRLF within quotes as two lines.
 * @throws CsvFault
 */
export async function* parseCsv(pieces: AsyncIterable<string>): AsyncGenerator<CsvRow> {
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
        if (char === "\n") line += 1;
      } else if (state === "return" && char !== "\n") {
        throw new CsvFault(line, "Has a carriage return that no line feed follows");
      } else if (char === ",") {
        endCell();
      } else if (char === "\n") {
        yield endRow();
      } else if (char === "\r") {
        state = "return";
      } else if (char === '"' && state !== "plain") {
        // Twice, within quotes: one that is meant.
        if (state === "closed") add(char);
        state = "quoted";
      } else if (char === '"' || state === "closed") {
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

const WRITTEN: Options = {
  record_delimiter: "\r\n",
  // Else a lone line feed stands bare, and begins a row for many a reader.
  quote_record_delimiter: true,
  // What a spreadsheet would take for a formula begins with an apostrophe (CWE-1236).
  escape_formulas: true,
  cast: {
    boolean: String,
    // Names of roles, as an import takes them.
    object: (value) => (Array.isArray(value) ? value.join(";") : JSON.stringify(value)),
  },
};

/** A row as text that is safe to open; null is an empty cell. */
export function toCsvRow(cells: readonly unknown[]): string {
  return stringify([cells], WRITTEN);
}
