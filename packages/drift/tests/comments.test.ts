/** Comments of a file are passed over by what looks for words in it, and nothing else can be hidden from it. */
import { describe, expect, test } from "bun:test";
import { withoutComments } from "../src/database/comments.ts";

const RUNS = "COPY t TO PROGRAM 'x'";

describe("comments go", () => {
  for (const [title, sql, left] of [
    ["of a line", "SELECT 1; -- COPY 'name' TO 'key'\nSELECT 2", "SELECT 1;  \nSELECT 2"],
    ["of several lines", "/* it's\n a ROLLBACK */ SELECT 1", "  SELECT 1"],
    ["beside strings", "SELECT 'a--b', \"c/*d\" -- e", "SELECT 'a--b', \"c/*d\"  "],
    [
      "beside a body",
      "DO $a$ BEGIN -- COMMIT\n END $a$ -- f",
      "DO $a$ BEGIN -- COMMIT\n END $a$  ",
    ],
  ] as const)
    test(title, () => expect(withoutComments(sql)).toBe(left));
});

describe("a statement stays", () => {
  for (const [title, sql] of [
    ["after a string with dashes", `SELECT '--'; ${RUNS}`],
    ["after a name with a quote", `SELECT 1 AS "a'b"; SELECT '--'; ${RUNS}`],
    ["after a name with dollars", `SELECT 1 AS a$$, '$$ -- '; ${RUNS}`],
    ["after a body whose tag is of other letters", `SELECT $é$ ' $é$; SELECT ' -- '; ${RUNS}`],
    ["after a carriage return", `-- a\r${RUNS}`],
    ["after a comment in a comment", `/* /* */ -- */ ${RUNS}`],
    ["after a quote that a backslash keeps", `SELECT E'\\'--'; ${RUNS}`],
    [
      "after settings that give backslashes their old sense",
      `SET standard_conforming_strings = off; -- ${RUNS}`,
    ],
    ["after a quote without an end", `-- a\n${RUNS} '`],
    ["in a body", `DO $$ BEGIN ${RUNS}; END $$`],
  ] as const)
    test(title, () => expect(withoutComments(sql)).toContain(RUNS));
});
