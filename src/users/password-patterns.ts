/** Passwords that are long and yet guessed at once. What is compared here is folded: see `fold`. */

/** What fingers and memory follow. Each is a ring: after the end it begins again. */
const ROWS = [
  "1234567890",
  "abcdefghijklmnopqrstuvwxyz",
  "1234567890qwertyuiopasdfghjklzxcvbnm",
  "1234567890qwertzuiopasdfghjklyxcvbnm",
  "1234567890azertyuiopqsdfghjklmwxcvbn",
  "qwertyuiopasdfghjklzxcvbnm",
  "qazwsxedcrfvtgbyhnujmikolp",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
  "1q2w3e4r5t6y7u8i9o0p",
];

/** Text in which a password is looked for and compared with words; never with another password. */
export function fold(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** How long the piece is that the text consists of, the last time perhaps cut short: 3 for "abcabcab". */
export function lengthOfUnit(text: string): number {
  const chars = [...text];
  for (let unit = 1; unit <= chars.length / 2; unit++) {
    if (chars.every((char, at) => at < unit || char === chars[at - unit])) return unit;
  }
  return chars.length;
}

/** True for a stretch of a row, forwards or backwards, from any place: "890123", "lkjhgfdsa". */
export function followsRow(text: string): boolean {
  const backwards = [...text].reverse().join("");
  return ROWS.some((row) => {
    const ring = row.repeat(Math.ceil(text.length / row.length) + 1);
    return ring.includes(text) || ring.includes(backwards);
  });
}

/** True when nothing but digits and signs is left once the words of `texts` are taken out. */
export function isMadeOf(text: string, texts: readonly string[]): boolean {
  let rest = text;
  // The longest first: "anna" would otherwise be left as "a" by "ann".
  for (const word of wordsOf(texts)) rest = rest.replaceAll(word, " ");
  return rest !== text && !/\p{L}/u.test(rest);
}

/** "jane99@example.com" gives jane99 and jane: the number may be left out. One letter says nothing. */
function wordsOf(texts: readonly string[]): string[] {
  const words = texts
    .map(fold)
    .flatMap((text) => [
      ...(text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []),
      ...(text.match(/[\p{L}\p{M}]+/gu) ?? []),
    ])
    .filter((word) => /\p{L}/u.test(word) && word.length > 1);
  return [...new Set(words)].sort((a, b) => b.length - a.length);
}
