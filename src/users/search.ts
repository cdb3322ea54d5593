/** Finding users by what is typed: words of their address and names, whatever the case and the accents. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { literal } from "../db/contains.ts";

/** Of a shorter piece the index on trigrams has nothing to look up. */
const TRIGRAM = 3;

/** One condition a word: each must occur somewhere in the text that the trigger users_fold_search keeps. */
export async function matchesSearch(
  ctx: AuthedContext,
  search: string,
): Promise<Prisma.UserWhereInput[]> {
  const folded = await fold(ctx, search);
  return folded
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(occurs);
}

/**
 * By PostgreSQL itself, as the trigger does it: a list of accents of our own would go another way one day. Composed first:
 * of what one keyboard writes as several characters and another as one, unaccent knows the one.
 */
async function fold({ db }: AuthedContext, text: string): Promise<string> {
  const [row] = await db.$queryRaw<{ folded: string }[]>`
    SELECT lower(public.unaccent('public.unaccent', ${text.normalize("NFC")})) AS folded`;
  return row?.folded ?? "";
}

/**
 * Anywhere; but one or two letters only where the address or a name begins. Anywhere they are no use to who searches,
 * and PostgreSQL would read every user of the installation to find that nobody has them. The beginning of a word makes
 * trigrams of its own ("  a", " ab"), so the index finds it.
 */
function occurs(word: string): Prisma.UserWhereInput {
  const text = literal(word);
  if ([...word].length >= TRIGRAM || !/^[\p{L}\p{N}]+$/u.test(word))
    return { searchText: { contains: text } };
  return { OR: [{ searchText: { startsWith: text } }, { searchText: { contains: ` ${text}` } }] };
}
