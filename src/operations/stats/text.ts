/** Statements of others, as they may be shown. */

const LONGEST = 120;

/** Without what stands in quotes, which may be somebody's address or a password, on one line, and no longer than fits. */
export function masked(query: string): string {
  return query
    .replace(/\$(\w*)\$[\s\S]*?(\$\1\$|$)/g, "'…'")
    .replace(/'(?:[^']|'')*('|$)/g, "'…'")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, LONGEST);
}
