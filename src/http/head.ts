import type { Context as HonoContext } from "hono";

/**
 * Hono answers HEAD as GET and drops the content, after which Bun counts what is left of it: nothing. RFC 9110, section
 * 8.6, asks for the length that GET would have, or none at all.
 */
export async function tellLength(c: HonoContext): Promise<void> {
  if (c.res.body === null) return;
  const { byteLength } = await c.res.arrayBuffer();
  c.res.headers.set("content-length", String(byteLength));
}

/** For what is made while it is read, and has no length before: RFC 9112, section 6.1, lets HEAD say so. */
export const UNKNOWN_LENGTH = { "transfer-encoding": "chunked" } as const;
