/** Finding users by what is typed: words of their address and names, whatever the case and the accents. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { literal } from "../db/contains.ts";
import { named } from "../db/statement-names.ts";

/** Of a shorter piece the index on trigrams has nothing to look up. */
const TRIGRAM = 3;

/**
 * By PostgreSQL itself, as the trigger does it: a list of accents of our own would go another way one day. Composed first:
 * of what one keyboard writes as several characters and another as one, unaccent knows the one.
 */
const FOLD = named("SELECT lower(public.unaccent('public.unaccent', $1)) AS folded");

/** A word of a search. `atStart`: only where the address or a name begins. */
type Word = { text: string; atStart: boolean };

/** The words of a search, each of which must occur somewhere in the text that the trigger users_fold_search keeps. */
export async function searchWords({ pool }: AuthedContext, search: string): Promise<Word[]> {
  const { rows } = await pool.plain<{ folded: string }>({
    ...FOLD,
    values: [search.normalize("NFC")],
  });
  const words = (rows[0]?.folded ?? "").split(/\s+/).filter((word) => word !== "");
  return words.map((text) => ({ text, atStart: isShort(text) }));
}

/**
 * One or two letters are looked for only where the address or a name begins. Anywhere they are no use to who searches,
 * and PostgreSQL would read every user to find that nobody has them. The beginning of a word makes trigrams of its own
 * ("  a", " ab"), so the index finds it.
 */
function isShort(word: string): boolean {
  return [...word].length < TRIGRAM && /^[\p{L}\p{N}]+$/u.test(word);
}

/** One condition a word. */
export function matchesWords(words: Word[]): Prisma.UserWhereInput[] {
  return words.map(({ text, atStart }) => {
    const word = literal(text);
    if (!atStart) return { searchText: { contains: word } };
    return {
      OR: [{ searchText: { startsWith: word } }, { searchText: { contains: ` ${word}` } }],
    };
  });
}

/** The same as patterns of LIKE for a text that begins with a blank: search_users in migrations-sql/035_user_search.sql. */
export function patternsOf(words: Word[]): string[] {
  return words.map(({ text, atStart }) => `%${atStart ? " " : ""}${literal(text)}%`);
}
