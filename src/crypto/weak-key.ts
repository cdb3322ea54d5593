/** Keys that somebody typed, or that a program forgot to fill: an attacker tries those first. */

/** Of 32 random bytes 30 differ from each other on the average; fewer than this many do not once in 10^20. */
const LEAST_DISTINCT = 16;
/** Lower case, in no key that is random: a given word of seven letters is in one of 10^9. */
const WORDS = ["changeme", "password", "passwort", "example", "tenantry", "insecure", "secretkey"];

/** Why a key of 32 bytes or more cannot be a random one, in words; null when it may be. @param text its base64. */
export function weaknessOf(text: string): string | null {
  const bytes = Buffer.from(text, "base64");
  if (new Set(bytes).size < LEAST_DISTINCT) return "is made of very few different bytes";
  if (isRepeated([...bytes]) || isRepeated([...text.replace(/=+$/, "")])) return "repeats itself";
  if (isCounted(bytes)) return "counts up or down";
  if (bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d)))
    return "is text that somebody wrote";
  const isWord = /^([a-z]+|[A-Z]+|\d+)=*$/.test(text);
  if (isWord || WORDS.some((word) => text.toLowerCase().includes(word))) return "is made of words";
  return null;
}

/** Something that fits into it twice at least, and again and again to its end. */
function isRepeated(parts: readonly unknown[]): boolean {
  return parts.some((_, period) => {
    if (period === 0 || period > parts.length / 2) return false;
    return parts.every((part, at) => at < period || part === parts[at - period]);
  });
}

function isCounted(bytes: Uint8Array): boolean {
  const step = ((bytes[1] ?? 0) - (bytes[0] ?? 0)) & 0xff;
  return bytes.every((byte, at) => at === 0 || ((byte - (bytes[at - 1] ?? 0)) & 0xff) === step);
}
