/** Takes apart the definitions that the kinds table puts together. They are this program's own form, not SQL at large. */

export type Clauses = Map<string, string>;

/**
 * Splits at keywords that stand outside of quotes and brackets; what comes before the first is under "". The keywords
 * are given in the order in which they can follow each other, so that no later text is taken for an earlier clause.
 */
export function clauses(definition: string, keywords: readonly string[]): Clauses {
  const found: Clauses = new Map();
  let keyword = "";
  let from = 0;
  let next = 0;
  for (const at of wordStarts(definition)) {
    if (at < from) continue;
    const match = longestAt(definition, at, keywords.slice(next));
    if (match === undefined) continue;
    found.set(keyword, definition.slice(from, at).trim());
    keyword = match;
    from = at + match.length;
    next = keywords.indexOf(match) + 1;
  }
  return found.set(keyword, definition.slice(from).trim());
}

/** The pieces between a separator that stands outside of quotes and brackets. */
export function splitAt(text: string, separator: string): string[] {
  const ends = [...topLevel(text)].filter((at) => text[at] === separator);
  return [...ends, text.length].map((end, i) =>
    text.slice(i === 0 ? 0 : (ends[i - 1] ?? 0) + 1, end).trim(),
  );
}

/** The items of a list in brackets, or of none: `(a=1, b=2)`. */
export function items(list: string | undefined): string[] {
  const inner = list?.replace(/^\(|\)$/g, "") ?? "";
  return inner === "" ? [] : splitAt(inner, ",");
}

function longestAt(text: string, at: number, keywords: readonly string[]): string | undefined {
  return keywords
    .filter(
      (keyword) => text.startsWith(keyword, at) && !/\w/.test(text[at + keyword.length] ?? ""),
    )
    .sort((one, other) => other.length - one.length)[0];
}

function* wordStarts(text: string): Generator<number> {
  for (const at of topLevel(text)) if (at === 0 || /\s/.test(text[at - 1] ?? "")) yield at;
}

/** Every position outside of quotes and brackets. A doubled quote closes and opens again, which comes to the same. */
function* topLevel(text: string): Generator<number> {
  let depth = 0;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote === "" && depth === 0) yield at;
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === "'" || character === '"') quote = character;
    else if (character === "(" || character === "[") depth++;
    else if (character === ")" || character === "]") depth--;
  }
}
