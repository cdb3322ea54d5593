import { getPath } from "hono/utils/url";

/** Every path of ours is shorter. What is longer leads nowhere, and is not looked at to its end to find that out. */
const LONGEST_PATH = 512;

/** A whole segment with the slash before it: to look behind for that takes a pattern three times as long. */
const ID = /\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=\/|$)/gi;
const ID_LENGTH = 36;

/**
 * The path to route by, with its ids in the form that is stored: RFC 9562, section 4, takes capitals, and whoever compares
 * an id with their own, or answers it, must not have two of it. Bun leaves the origin out of the URL when the Host header is missing (HTTP/1.0, as health checks
 * of load balancers speak it) or is no host; Hono would then take the first part of the path for the origin.
 */
export function pathOf(request: Request): string {
  const path = request.url.startsWith("/")
    ? getPath(new Request(`http://localhost${request.url}`))
    : getPath(request);
  if (path.length <= ID_LENGTH) return path;
  return path.slice(0, LONGEST_PATH).replace(ID, (id) => id.toLowerCase());
}
