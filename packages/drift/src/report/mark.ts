/** Finds the part in which two texts differ, so that a reader need not. */

export type Parts = { before: string; differing: string; after: string };

/** Splits both texts into what they begin and end with in common, and the rest between. Words are not broken. */
export function markWords(one: string, other: string): [Parts, Parts] {
  const words = (text: string) => text.match(/\w+|\s+|[^\w\s]/g) ?? [];
  const [a, b] = split(words(one), words(other), "");
  return [withoutLeadingSpace(a), withoutLeadingSpace(b)];
}

/** The same by whole lines. */
export function markLines(one: string, other: string): [Parts, Parts] {
  const lines = (text: string) => text.replace(/\n+$/, "").split("\n");
  return split(lines(one), lines(other), "\n");
}

function split(one: string[], other: string[], glue: string): [Parts, Parts] {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && one[one.length - 1 - end] === other[other.length - 1 - end])
    end++;

  const parts = (pieces: string[]): Parts => ({
    before: pieces.slice(0, start).join(glue),
    differing: pieces.slice(start, pieces.length - end).join(glue),
    after: pieces.slice(pieces.length - end).join(glue),
  });
  return [parts(one), parts(other)];
}

/** A word that only one text has begins with the space before it, which would be marked as well. */
function withoutLeadingSpace({ before, differing, after }: Parts): Parts {
  const marked = differing.trimStart();
  return {
    before: before + differing.slice(0, differing.length - marked.length),
    differing: marked,
    after,
  };
}
