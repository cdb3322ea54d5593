/** What JSON.parse makes of a text; or what is wrong with it, null where it is no JSON at all. */
export function parseJson(text: string): { value: unknown } | { fault: string | null } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: null };
  }
  const fault = jsonFault(text);
  return fault === null ? { value } : { fault };
}

/** Far more than a request of ours needs. What is nested ten thousand deep overflows the stack of whoever walks it. */
const MAX_DEPTH = 64;

/**
 * What is wrong with a valid JSON text that JSON.parse takes without a word, or null.
 *
 * A key that stands twice: JSON.parse keeps the last one, and a proxy in front may have looked at the first (RFC 8259,
 * section 4). `__proto__`: whoever copies such an object sets a prototype. Text that PostgreSQL cannot store.
 *
 * Read character by character: a pattern for strings remembers a place to go back to at every escape, and is a hundred
 * times as slow from some length on.
 */
export function jsonFault(text: string): string | null {
  /** One entry an open bracket: the keys of an object, null for an array. */
  const open: (Set<string> | null)[] = [];
  let previous = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") {
      if (open.length === MAX_DEPTH) return `It is nested more than ${MAX_DEPTH} deep.`;
      open.push(char === "{" ? new Set() : null);
    } else if (char === "}" || char === "]") {
      open.pop();
    } else if (char === ":") {
      // Parsed, because "a" and "\u0061" are one key.
      const key: string = JSON.parse(previous);
      const keys = open.at(-1);
      if (keys?.has(key)) return `The key ${JSON.stringify(key)} stands twice in one object.`;
      if (key === "__proto__") return 'No key may be "__proto__".';
      keys?.add(key);
    } else if (char === '"') {
      const end = endOfString(text, at);
      previous = text.slice(at, end);
      at = end - 1;
      // Only an escape can smuggle these in: the text is valid UTF-8, and JSON has no raw control characters.
      if (previous.includes("\\u") && !isStorable(JSON.parse(previous)))
        return "It holds a NUL character or an unpaired surrogate.";
    }
  }
  return null;
}

/** Where the string that begins at `start` is over. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at += 1;
  return at + 1;
}

/** Whether PostgreSQL can hold the text: it has no NUL and no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
