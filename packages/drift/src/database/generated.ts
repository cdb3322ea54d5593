/** A Prisma schema has no word for a generated column but a default that reads other columns, which no default can. */

/** What hides brackets, commas and words: strings, names in quotes, dollar quotes and comments. */
const HIDING =
  /(?<![\w$])[eE]'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$\u0080-\uffff])\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\1\$|--[^\r\n]*|\/\*/y;
const BLOCK = /\/\*|\*\//g;

/**
 * The script with the default at a place made the expression of a generated column.
 * @param at index in `sql` of what was refused. The same text where there is no default.
 */
export function withGeneratedColumn(sql: string, at: number): string {
  const item = itemAt(sql, at);
  if (!item) return sql;
  const [start, end] = item;
  const clause = defaultIn(sql, start, end);
  if (clause === null || clause > at) return sql;
  const expression = sql.slice(clause + "DEFAULT".length, end).trim();
  // On a line of its own, since a comment may end the expression.
  const generated = `GENERATED ALWAYS AS (${expression}\n) STORED`;
  return sql.slice(0, clause) + generated + sql.slice(end);
}

/** From where to where the part of a list in brackets goes that has the place in it: a column of CREATE TABLE. */
function itemAt(sql: string, at: number): [start: number, end: number] | null {
  let depth = 0;
  let start = 0;
  for (const place of visible(sql, 0, sql.length)) {
    const sign = sql[place];
    if (sign === ")" && depth > 0) depth--;
    const isEnd = (sign === "," && depth === 1) || (sign === ")" && depth === 0) || sign === ";";
    if (isEnd && place > at) return start > 0 ? [start, place] : null;
    if (sign === "(") depth++;
    if (sign === ";") depth = 0;
    if ((sign === "(" || sign === ",") && depth === 1) start = place + 1;
  }
  return null;
}

/** Where the word stands that begins a column's default. */
function defaultIn(sql: string, start: number, end: number): number | null {
  const word = /DEFAULT\b/iy;
  let depth = 0;
  for (const place of visible(sql, start, end)) {
    if (sql[place] === "(") depth++;
    if (sql[place] === ")") depth--;
    word.lastIndex = place;
    if (depth === 0 && !/[\w$]/.test(sql[place - 1] ?? "") && word.test(sql)) return place;
  }
  return null;
}

/** The places of signs that nothing hides. */
function* visible(sql: string, start: number, end: number): Generator<number> {
  for (let place = start; place < end; ) {
    HIDING.lastIndex = place;
    const [hidden] = HIDING.exec(sql) ?? [];
    if (hidden === undefined) yield place++;
    else place = hidden === "/*" ? endOfBlock(sql, place) : place + hidden.length;
  }
}

/** Comments may stand in comments. */
function endOfBlock(sql: string, start: number): number {
  BLOCK.lastIndex = start;
  let depth = 0;
  for (let found = BLOCK.exec(sql); found; found = BLOCK.exec(sql)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return BLOCK.lastIndex;
  }
  return sql.length;
}
