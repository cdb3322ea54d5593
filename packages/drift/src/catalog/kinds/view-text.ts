/**
 * One text for a view on all servers.
 *
 * Up to version 15 PostgreSQL writes the table before every column of a view, from 16 on not where the query reads one
 * table only; within sub-queries all of them do. Here the words of PostgreSQL's own print are looked at, whose layout is
 * known, to take those prefixes away. On the print of later versions this does nothing.
 */

type Word = {
  text: string;
  /** Number of parentheses around it, and of sub-queries among these. */
  depth: number;
  queries: number;
};

const WORD = /WITH ORDINALITY|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|\s+|./gsu;
const IDENTIFIER = /^["\p{L}_]/u;
const SET_OPERATION = /^(UNION|INTERSECT|EXCEPT)$/;
/** What may follow the list of tables. */
const NEXT_CLAUSE = /^(WHERE|GROUP|HAVING|WINDOW|ORDER|LIMIT|OFFSET|FETCH|FOR|TABLESAMPLE|WITH|;)$/;

/** The definition of a view without the name of the only table in front of columns. */
export function withoutOnlyTable(definition: string): string {
  const words = wordsOf(definition);
  const outermost = (word: Word) => word.depth === 0;
  const from = words.findIndex((word) => outermost(word) && word.text === "FROM");
  if (from === -1 || words.some((word) => outermost(word) && SET_OPERATION.test(word.text)))
    return definition;
  const next = words.findIndex(
    (word, index) => index > from && outermost(word) && NEXT_CLAUSE.test(word.text),
  );
  const end = next === -1 ? words.length : next;

  const tables = words.slice(from + 1, end);
  const alias = tables.findLast((word) => outermost(word) && IDENTIFIER.test(word.text))?.text;
  const several = tables.some((word) => outermost(word) && word.text === ",");
  if (alias === undefined || several) return definition;

  const isPrefix = (index: number) =>
    (index < from || index >= end) &&
    words[index]?.queries === 0 &&
    words[index]?.text === alias &&
    words[index + 1]?.text === "." &&
    words[index + 2]?.text !== "*" &&
    words[index - 1]?.text !== ".";
  return words
    .filter((_, index) => !isPrefix(index) && !isPrefix(index - 1))
    .map(({ text }) => text)
    .join("");
}

function wordsOf(definition: string): Word[] {
  const texts = definition.match(WORD) ?? [];
  const open: boolean[] = [];
  return texts.map((text, index) => {
    if (text === ")") open.pop();
    const word = { text, depth: open.length, queries: open.filter(Boolean).length };
    if (text === "(") open.push(startsQuery(texts, index + 1));
    return word;
  });
}

function startsQuery(texts: string[], index: number): boolean {
  const first = texts[index]?.trim() === "" ? texts[index + 1] : texts[index];
  return /^(SELECT|WITH|VALUES)$/.test(first ?? "");
}
