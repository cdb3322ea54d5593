/** CSV by RFC 4180: what is written is read back, however it comes in pieces; what is not CSV is refused. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CsvFault, parseCsv, toCsvRow } from "../../src/http/csv.ts";

async function* pieces(texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

async function parse(...texts: string[]) {
  const rows: { line: number; cells: string[] }[] = [];
  for await (const row of parseCsv(pieces(texts))) rows.push(row);
  return rows;
}

const cell = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc
    .array(fc.constantFrom('"', ",", "\r", "\n", "\r\n", "a", " ", ";", "'"))
    .map((x) => x.join("")),
);

test("any cells are read back as they were, wherever the text is cut", async () => {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
      fc.array(fc.nat(200), { maxLength: 6 }),
      fc.constantFrom("\n", "\r\n"),
      fc.boolean(),
      async (rows, cuts, end, ended) => {
        const text =
          rows.map((cells) => cells.map(quoted).join(",")).join(end) + (ended ? end : "");
        const at = [0, ...cuts.sort((a, b) => a - b), text.length].map((n) =>
          Math.min(n, text.length),
        );
        const parts = at.slice(1).map((to, n) => text.slice(at[n], to));
        const read = await parse(...(rows.length > 0 ? parts : []));
        expect(read.map(({ cells }) => cells)).toEqual(rows);
      },
    ),
    { numRuns: 300 },
  );
});

test("what we write is read back, but for the apostrophe before what a spreadsheet would run", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { minLength: 2, maxLength: 4 }), async (cells) => {
      const [row] = await parse(toCsvRow(cells));
      expect(row?.cells).toEqual(
        cells.map((text) => (/^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text)),
      );
    }),
    { numRuns: 300 },
  );
  expect(toCsvRow(["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", ""])).toBe(
    "'=1+1,'+1,'-1,'@x,'\tx,\"'\rx\",a=1,\r\n",
  );
  // A spreadsheet takes the full-width forms for the same (Unicode's NFKC).
  expect(toCsvRow(["＝1", "＋1", "－1", "＠x"])).toBe("'＝1,'＋1,'－1,'＠x\r\n");
});

test("rows tell the line that they begin on, past cells of many lines", async () => {
  const rows = await parse('a,b\r\n"1\n2\n3",x\r\n', "c,d");
  expect(rows).toEqual([
    { line: 1, cells: ["a", "b"] },
    { line: 2, cells: ["1\n2\n3", "x"] },
    { line: 5, cells: ["c", "d"] },
  ]);
  expect(await parse("")).toEqual([]);
  expect(await parse("a,\n,b\n")).toEqual([
    { line: 1, cells: ["a", ""] },
    { line: 2, cells: ["", "b"] },
  ]);
  expect(await parse('"a""', '",""\n')).toEqual([{ line: 1, cells: ['a"', ""] }]);
});

describe("it is no CSV", () => {
  const faults: [text: string, line: number][] = [
    ['a"b,c\n', 1],
    ['a,b\n"c"d,e\n', 2],
    ['"a" ,b\n', 1],
    ['a,b\nc,"d\n', 2],
    ["a,b\rc,d\n", 1],
    ["a,b\r", 1],
    ['"a"\r"b"', 1],
    [`${"x".repeat(5000)},b\n`, 1],
    [`${",".repeat(60)}\n`, 1],
  ];
  for (const [text, line] of faults) {
    test(`${JSON.stringify(text.slice(0, 20))}, and line ${line} is named`, async () => {
      const err = await parse(text).catch((err) => err);
      expect(err).toBeInstanceOf(CsvFault);
      expect(err.line).toBe(line);
    });
  }
});
