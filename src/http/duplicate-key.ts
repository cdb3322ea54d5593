/** Strings, and the characters that open, close and separate. Everything else in valid JSON is of no interest here. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/**
 * The first key that stands twice in one object of a valid JSON text, or null. JSON.parse keeps the last one and says
 * nothing; a proxy in front may have looked at the first (RFC 8259, section 4).
 */
export function duplicateKey(text: string): string | null {
  /** One entry an open bracket: the keys of an object, null for an array. */
  const open: (Set<string> | null)[] = [];
  let previous = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const keys = open.at(-1);
      // Parsed, because "a" and "\u0061" are one key.
      const key: string = JSON.parse(previous);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
    previous = token;
  }
  return null;
}
