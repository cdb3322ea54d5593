import { getPath } from "hono/utils/url";

/**
 * The path to route by. Bun leaves the origin out of the URL when the Host header is missing (HTTP/1.0, as health checks
 * of load balancers speak it) or is no host; Hono would then take the first part of the path for the origin.
 */
export function pathOf(request: Request): string {
  if (!request.url.startsWith("/")) return getPath(request);
  return getPath(new Request(`http://localhost${request.url}`));
}
