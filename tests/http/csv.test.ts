/** CSV by RFC 4180: what is written is read back, however it comes in pieces; what is not CSV is refused. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CsvFault, findDialect, parseCsv, toCsvRow, unguarded } from "../../src/http/csv.ts";

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
    .array(
      fc.constantFrom(
        '"',
        ",",
        "\r",
        "\n",
        "\r\n",
        "a",
        " ",
        ";",
        "'",
        "\t",
        "=",
        "-",
        "＝",
        "\ufeff",
      ),
    )
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

/** How readers cut a file into cells: at one separator or at several, with quotes or without. */
function* cellsOf(text: string): Generator<string> {
  for (const separator of [/[,\r\n]/, /[;\r\n]/, /[\t\r\n]/, /[,;\t\r\n]/])
    for (const part of text.split(separator)) yield part.replace(/^[\s"]+/, "");
}

test("CWE-1236: what we write is read back, and no reader finds the beginning of a formula in it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { minLength: 2, maxLength: 4 }), async (cells) => {
      const text = toCsvRow(cells);
      const [row] = await parse(text);
      expect(row?.cells.map(unguarded)).toEqual(cells);
      for (const part of cellsOf(text)) expect(part).not.toMatch(/^[=+\-@＝＋－＠]/);
    }),
    { numRuns: 1000 },
  );
  expect(toCsvRow(["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", ""])).toBe(
    "'=1+1,'+1,'-1,'@x,\"'\tx\",\"'\rx\",a=1,\r\n",
  );
  // A spreadsheet takes the full-width forms for the same (Unicode's NFKC).
  expect(toCsvRow(["＝1", "＋1", "－1", "＠x", "﹦1"])).toBe("'＝1,'＋1,'－1,'＠x,'﹦1\r\n");
  expect(toCsvRow(["a;=1", "a,=1", "a\t=1", "a; ＝1", 'a;"=1', "'=1", "a;b"])).toBe(
    '"a;\'=1","a,\'=1","a\t\'=1","a; \'＝1","a;""\'=1",\'\'=1,"a;b"\r\n',
  );
});

test("CWE-1236: JSON in a cell is the same JSON, and no formula at any separator", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(cell, fc.array(cell)), async (value) => {
      const text = toCsvRow([value, "x"]);
      const [row] = await parse(text);
      expect(JSON.parse(row?.cells[0] ?? "")).toEqual(value);
      for (const part of cellsOf(text)) expect(part).not.toMatch(/^[=+\-@＝＋－＠]/);
    }),
    { numRuns: 500 },
  );
  const [row] = await parse(toCsvRow([{ text: "Mozilla;=1+1" }, "x"]));
  expect(row?.cells[0]).toBe('{"text":"Mozilla;\\u003d1+1"}');
});

test("R57: no cell takes longer than its length, whatever it is made of", () => {
  for (const run of ["\ufeff", '"', "'", " ", ";", "\t", ';"', ";'", "\u200b\ufeff"]) {
    const text = run.repeat(50_000);
    const begin = performance.now();
    expect(unguarded(toCsvRow([text, "x"]))).toContain(run);
    expect(performance.now() - begin).toBeLessThan(1000);
  }
});

test("the separator is what the header line is cut by, wherever the text is cut, and quotes hide some", async () => {
  const found = async (text: string, size = 1) => {
    const cut = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    const { separator, pieces: all } = await findDialect(pieces(cut));
    expect((await Array.fromAsync(all)).join("")).toBe(text);
    return separator;
  };
  for (const size of [1, 3, 100]) {
    expect(await found("email\n", size)).toBe(",");
    expect(await found("email,roles\na;b;c;d,e\n", size)).toBe(",");
    expect(await found("email;roles\na,b,c,d;e\n", size)).toBe(";");
    expect(await found("email\troles", size)).toBe("\t");
    expect(await found('"a,b,c";d\n', size)).toBe(";");
    expect(await found("\n\nemail;roles\n", size)).toBe(";");
    expect(await found("", size)).toBe(",");
  }
  const rows = [];
  for await (const { cells } of parseCsv(pieces(['a;"b;c"\n1,2;3\n']), {
    separator: ";",
    lineEnd: "\n",
  }))
    rows.push(cells);
  expect(rows).toEqual([
    ["a", "b;c"],
    ["1,2", "3"],
  ]);
});

test("lines may all end with a carriage return, and a file that says its separator is believed, wherever it is cut", async () => {
  const read = async (text: string, size: number) => {
    const { pieces: all, ...dialect } = await findDialect(
      pieces(text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? []),
    );
    const rows: { line: number; cells: string[] }[] = [];
    for await (const row of parseCsv(all, dialect)) rows.push(row);
    return rows;
  };
  for (const size of [1, 2, 3, 100]) {
    expect(await read('a;b\r"1\r\n2";x\ry;z', size)).toEqual([
      { line: 1, cells: ["a", "b"] },
      { line: 2, cells: ["1\r\n2", "x"] },
      { line: 4, cells: ["y", "z"] },
    ]);
    expect((await read('"sep=;"\r\na,b;c\r\n', size)).map(({ cells }) => cells)).toEqual([
      ["sep=;"],
      ["a,b", "c"],
    ]);
    expect((await read("sep=,\na;b;c,d\n", size))[1]?.cells).toEqual(["a;b;c", "d"]);
    expect((await read("\ra\rb\r", size)).map(({ cells }) => cells)).toEqual([[""], ["a"], ["b"]]);
    await expect(read("a\rb\nc", size)).rejects.toThrow("line feed");
    await expect(read("a\nb\rc", size)).rejects.toThrow("carriage return");
  }
});

test("spaces around a quoted cell are no part of it", async () => {
  const [row] = await parse('"a", "b, c" ,\t"d""e"\t, f ,""\n');
  expect(row?.cells).toEqual(["a", "b, c", 'd"e', " f ", ""]);
  for (const text of ['"a" b', '"a" "b"', 'a "b"', '"a" "', ' "a'])
    await expect(parse(text)).rejects.toThrow(CsvFault);
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
    ['"a" x,b\n', 1],
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
