/** SQL without its comments, for what looks for words in it: a comment may speak of COPY, of roles, of ROLLBACK. */

/** A dollar within a name quotes nothing, and a comment ends at a carriage return too. */
const TOKENS =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$\u0080-\uffff])\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\1\$|--[^\r\n]*|\/\*[\s\S]*?\*\//g;

/**
 * Nobody must be able to hide anything from those who look. So the text stays whole where PostgreSQL may read it otherwise:
 * with backslashes in strings, comments in comments, or something that does not end.
 */
export function withoutComments(sql: string): string {
  if (/\\|standard_conforming_strings/i.test(sql)) return sql;
  const nests = (token: string) => token.startsWith("/*") && token.includes("/*", 2);
  if ([...sql.matchAll(TOKENS)].some(([token]) => nests(token))) return sql;
  if (/['"]|\/\*/.test(sql.replace(TOKENS, ""))) return sql;
  return sql.replace(TOKENS, (token) => (/^(--|\/\*)/.test(token) ? " " : token));
}
