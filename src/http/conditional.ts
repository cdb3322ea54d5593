/** Entity tags: answers that need not be sent again, and changes that do not undo others unseen (RFC 9110, section 13). */
import type { Context as HonoContext } from "hono";
import type { Expected } from "../db/expected.ts";

/** One element of a list of entity tags (RFC 9110, section 8.8.3); elements may be empty (section 5.6.1). */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)/y;

type EntityTag = { weak: boolean; opaque: string };

/** Answers `body` with its version as a strong entity tag; 304 to a reader who has that one (section 13.1.2). */
export function entity<Body extends object>(
  c: HonoContext,
  body: Body,
  version: string | number,
): Response {
  c.header("etag", `"${version}"`);
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  return reads && isKnown(c.req.header("if-none-match"), String(version))
    ? c.body(null, 304)
    : c.json(body);
}

/**
 * What If-Match asks for (section 13.1.1), and If-None-Match of a change (section 13.1.2). The one compares strongly, so a
 * weak tag names nothing; nor does what is no list of tags: a caller who cared enough to send it must not be taken for one
 * who did not.
 */
export function expected(c: HonoContext): Expected {
  const [match, noneMatch] = [c.req.header("if-match"), c.req.header("if-none-match")];
  return {
    ...(match !== undefined && { only: named(match, (tag) => !tag.weak) }),
    ...(noneMatch !== undefined && { not: named(noneMatch) }),
  };
}

function named(header: string, counts: (tag: EntityTag) => boolean = () => true) {
  if (header.trim() === "*") return "any" as const;
  return (parse(header) ?? []).filter(counts).map(({ opaque }) => opaque);
}

/** The comparison is weak here, and a header that cannot be read is as good as none: the whole answer is sent. */
function isKnown(header: string | undefined, version: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return parse(header)?.some(({ opaque }) => opaque === version) ?? false;
}

function parse(header: string): EntityTag[] | null {
  const tags: EntityTag[] = [];
  const list = header.trim();
  // From place to place in the one text: cutting what was read off its front would copy the rest each time.
  for (let at = 0; at < list.length; at = ELEMENT.lastIndex) {
    ELEMENT.lastIndex = at;
    const [element, weak, opaque] = ELEMENT.exec(list) ?? [];
    if (!element) return null;
    if (opaque !== undefined) tags.push({ weak: weak !== undefined, opaque });
  }
  return tags;
}
