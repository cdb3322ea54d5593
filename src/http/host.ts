import { isIPv6 } from "node:net";
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";
import { ApiError, PermissionError } from "../errors.ts";

/** A host name has 253 characters, a port five. */
const LONGEST = 253 + ":65535".length;
/** The name, or the IPv6 address, and the port of a Host header. Empty is valid: the name may be (RFC 3986, 3.2.2). */
const HOST = /^(?:([A-Za-z0-9._-]*)|\[([0-9A-Fa-f:.]+)\])(?::(\d{0,5}))?$/;
const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/**
 * @throws ApiError `invalid_host` for a Host header that is none, and for two of them, which Bun joins with a comma: a proxy
 * in front may have gone by the other one (RFC 9112, section 3.2). Bun itself refuses HTTP/1.1 without; HTTP/1.0 needs none.
 */
export function assertHost(header: string | undefined): void {
  if (header !== undefined && readHost(header) === null) throw new ApiError("invalid_host");
}

/**
 * 403 unless the request was made to a name that only this machine has. Any web page can have its own name point to
 * 127.0.0.1 and then read as same-origin what listens there (DNS rebinding); the header still has the page's name.
 */
export function loopbackOnly(): MiddlewareHandler<AppEnv> {
  return async function loopbackOnly(c, next) {
    if (!LOOPBACK.includes(hostOf(c) ?? ""))
      throw new PermissionError("This is for this machine alone: ask for it as localhost.");
    await next();
  };
}

/** A test that calls the application itself sends no header, but has a whole URL. */
function hostOf(c: HonoContext<AppEnv>): string | null {
  const header = c.req.header("host");
  if (header !== undefined) return readHost(header);
  return URL.canParse(c.req.url) ? new URL(c.req.url).hostname : null;
}

/** In lower case and without its port; null when it is no host. */
function readHost(header: string): string | null {
  if (header.length > LONGEST) return null;
  const [match, name, address, port] = HOST.exec(header) ?? [];
  if (match === undefined || Number(port ?? 0) > 65_535) return null;
  if (address === undefined) return (name ?? "").toLowerCase();
  return isIPv6(address) ? `[${address.toLowerCase()}]` : null;
}
