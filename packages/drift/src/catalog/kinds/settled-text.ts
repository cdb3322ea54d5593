/**
 * The text that PostgreSQL prints once its own print has been run.
 *
 * Two prints become another when they are run, and both come of IN. `x IN ('a', 'b')` of a varchar column is printed with a
 * cast of the whole array, `(ARRAY['a', 'b'])::text[]`, of which the parser makes casts of its items. `x IN (y, z, w)` is
 * printed with the brackets of two ORs, `((x = y OR x = z) OR x = w)`, of which the parser makes one. No more is changed than
 * that, so that texts that mean different things stay different.
 */

/** Text in which what stands in quotes is replaced by as many letters of no meaning, for looking at what does not. */
type Masked = { text: string; mask: string };

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])(\$\w*\$).*?\1/gs;

const CAST_ARRAY = "(ARRAY[";

/** Keywords are printed in capitals, and names that have any in quotes: this ends where the type does. */
const TYPE = String.raw`[a-z0-9_. ]+(?:\([\d,-]+\))?(?: with(?:out)? time zone)?`;
const CAST_TO_ARRAY = new RegExp(String.raw`\]\)::(${TYPE})\[\]`, "y");
const SCALAR = new RegExp(String.raw`^(?:[\d.]+|true|false)$|::${TYPE}$`);

const JOINED_TWICE = / (OR|AND)\s.* \1\s/s;
const JOINS = { OR: / OR\s/y, AND: / AND\s/y };

/** The same for both prints. */
export function settledText(definition: string): string {
  const [hasCast, hasJoins] = [definition.includes(CAST_ARRAY), JOINED_TWICE.test(definition)];
  if (!hasCast && !hasJoins) return definition;
  const cast = hasCast ? withCastItems(masked(definition)) : masked(definition);
  return hasJoins ? withoutLeftBrackets(cast) : cast.text;
}

export function masked(text: string): Masked {
  return { text, mask: text.replace(QUOTED, (quoted) => "_".repeat(quoted.length)) };
}

/** The last cast comes first: it stands within the others or after them, and leaves them where they are. */
function withCastItems(definition: Masked): Masked {
  let { text, mask } = definition;
  for (let at = mask.lastIndexOf(CAST_ARRAY); at !== -1; ) {
    const replaced = castItemsAt({ text, mask }, at);
    if (replaced !== null) ({ text, mask } = masked(replaced));
    at = at === 0 ? -1 : mask.lastIndexOf(CAST_ARRAY, at - 1);
  }
  return { text, mask };
}

/** Null where the array is not cast, or its items may be arrays themselves: those the parser casts in another way. */
function castItemsAt({ text, mask }: Masked, at: number): string | null {
  const start = at + CAST_ARRAY.length;
  const { commas, end } = listAt(mask, start);
  CAST_TO_ARRAY.lastIndex = end;
  const type = CAST_TO_ARRAY.exec(mask)?.[1];
  const isCall = /\w/.test(mask[at - 1] ?? "");
  if (type === undefined || isCall) return null;

  const starts = [start, ...commas.map((comma) => comma + 1)];
  const items = [...commas, end].map((to, index) => ({ from: starts[index] ?? start, to }));
  // All items are of one type; it is enough that one shows it.
  if (!items.some(({ from, to }) => SCALAR.test(mask.slice(from, to).trim()))) return null;
  const typeName = text.slice(end + "])::".length, end + "])::".length + type.length);
  const casts = items.map(
    ({ from, to }) => `(${text.slice(from, to).replace(/^ /, "")})::${typeName}`,
  );
  return `${text.slice(0, at)}ARRAY[${casts.join(", ")}]${text.slice(CAST_TO_ARRAY.lastIndex)}`;
}

/** Where the bracket that is open at `start` closes, and the commas that are in no bracket within. */
export function listAt(mask: string, start: number): { commas: number[]; end: number } {
  const commas: number[] = [];
  let end = start;
  for (let depth = 0; end < mask.length; end++) {
    const character = mask[end] ?? "";
    if ("([".includes(character)) depth++;
    else if (")]".includes(character) && depth-- === 0) break;
    else if (character === "," && depth === 0) commas.push(end);
  }
  return { commas, end };
}

/** Takes away the brackets of what comes first in brackets, `((a OR b) OR c)`, and is joined by the same word within. */
function withoutLeftBrackets({ text, mask }: Masked): string {
  const open: { at: number; words: Set<keyof typeof JOINS> }[] = [];
  const dropped = new Set<number>();
  const isAt = (word: keyof typeof JOINS, at: number) => {
    JOINS[word].lastIndex = at;
    return JOINS[word].test(mask);
  };
  for (let at = 0; at < mask.length; at++) {
    const character = mask[at];
    if (character === "(") open.push({ at, words: new Set() });
    else if (character === " ") {
      if (isAt("OR", at)) open.at(-1)?.words.add("OR");
      else if (isAt("AND", at)) open.at(-1)?.words.add("AND");
    } else if (character === ")") {
      const closed = open.pop();
      const [word, ...others] = closed?.words ?? [];
      const isFirst = closed !== undefined && open.at(-1)?.at === closed.at - 1;
      if (isFirst && word && others.length === 0 && isAt(word, at + 1))
        dropped.add(closed.at).add(at);
    }
  }
  if (dropped.size === 0) return text;
  return Array.from({ length: text.length }, (_, at) => (dropped.has(at) ? "" : text[at])).join("");
}
