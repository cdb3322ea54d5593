/** How words come out wrong when they are typed: what tells REGISTRATON from a word of somebody else's. */

const ROWS = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
/** By letter, in upper case, which keys are beside it. A lower row begins half a key further to the right. */
const NEIGHBOURS = neighboursOn(ROWS.map((row) => row.toUpperCase()));

/** How many letters are missing, too many, others, or have changed places with their neighbour. */
export function distance(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const swapped =
        row > 1 &&
        column > 1 &&
        one[row - 1] === other[column - 2] &&
        one[row - 2] === other[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    [before, last] = [last, next];
  }
  return last[other.length] ?? 0;
}

/**
 * Whether fingers make this of `own`: a letter left out or hit twice, two in each other's place, the key beside. What they do
 * not make is another word: API of APP, EMAIL of MAIL.
 */
export function isTyped(word: string, own: string): boolean {
  if (distance(word, own) !== 1) return false;
  if (word.length < own.length) return true;
  if (word.length > own.length) return isHitBeside(word, own);
  const at = [...own].findIndex((letter, index) => letter !== word[index]);
  return isSwapped(word, own) || isBeside(word[at], own[at]);
}

/** Two letters in each other's place, or one twice: hardly anything else makes that of a word. */
export function isSwappedOrDoubled(word: string, own: string): boolean {
  if (distance(word, own) !== 1) return false;
  return (
    isSwapped(word, own) ||
    [...word].some((letter, at) => letter === word[at + 1] && without(word, at) === own)
  );
}

function isSwapped(word: string, own: string): boolean {
  return word.length === own.length && [...word].sort().join("") === [...own].sort().join("");
}

function isHitBeside(word: string, own: string): boolean {
  return [...word].some(
    (letter, at) =>
      without(word, at) === own &&
      [word[at - 1], word[at + 1]].some((each) => each === letter || isBeside(letter, each)),
  );
}

function without(word: string, at: number): string {
  return word.slice(0, at) + word.slice(at + 1);
}

function isBeside(one = "", other = ""): boolean {
  return NEIGHBOURS.get(one)?.includes(other) ?? false;
}

function neighboursOn(rows: string[]): Map<string, string[]> {
  const entries = rows.flatMap((row, at) =>
    [...row].map((key, column): [string, string[]] => {
      const [above = "", below = ""] = [rows[at - 1], rows[at + 1]];
      const around = [
        row[column - 1],
        row[column + 1],
        above[column],
        above[column + 1],
        below[column - 1],
        below[column],
      ];
      return [key, around.filter((each) => each !== undefined)];
    }),
  );
  return new Map(entries);
}
