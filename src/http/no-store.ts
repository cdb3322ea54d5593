import type { MiddlewareHandler } from "hono";

/** Tokens and personal data stay out of every cache on the way (RFC 6749, section 5.1; ASVS 5.0, 14.3.2). */
export const NO_STORE = ["cache-control", "no-store"] as const;

export function noStore(): MiddlewareHandler {
  return async function noStore(c, next) {
    c.header(...NO_STORE);
    await next();
  };
}
