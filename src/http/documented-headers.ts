/** The header fields of answers, as the OpenAPI document describes them, and how a middleware tells which it sends. */
import { uniqueSymbol } from "hono-openapi";

// biome-ignore format: a table, a field a row.
const FIELDS = {
  "X-Request-Id": ["Names the request in our log. A caller may choose it, in a header of the same name with 8 to 64 letters, digits, dots, hyphens and underscores", "0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7"],
  "Cache-Control": ["Nothing of this is kept by a cache on the way", "no-store"],
  ETag: ["The version of what is answered (RFC 9110, section 8.8.3): for If-None-Match and If-Match", '"7"'],
  Location: ["Where to get what was made", "/v1/users/0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7"],
  "Set-Cookie": ["The refresh token, where the page asked for it with Tenantry-Tokens: cookie; emptied where it is worth nothing any more. After a log-in with Tenantry-Device-Token: cookie, in a field of its own, by what the client is known again", "__Host-tenantry_refresh=pX0v2n5Yb1Qm8Kc7Rt4Wz9Jd3Fh6Lg0Us2Ne5Ai8Vo1; Path=/; Secure; HttpOnly; SameSite=Strict"],
  "Content-Disposition": ["A name for the file", 'attachment; filename="users.csv"'],
  Vary: ["What else the answer depends on", "Origin, Accept"],
  RateLimit: ["How many attempts are left, and in how many seconds all of them are back (draft-ietf-httpapi-ratelimit-headers-10). Where attempts are counted", '"login";r=19;t=900'],
  "RateLimit-Policy": ["How many attempts there are in how many seconds. Where attempts are counted", '"login";q=20;w=900'],
  "Retry-After": ["Seconds to wait before it is tried again", "2"],
  Accept: ["The media types that are taken (RFC 9110, section 15.5.16)", "application/json"],
  "Accept-Patch": ["The same, for PATCH (RFC 5789, section 2.2)", "application/json"],
  "Accept-Encoding": ["Where the body was compressed: that it may not be (RFC 9110, section 15.5.16)", "identity"],
  "WWW-Authenticate": ["What the request lacked (RFC 6750, section 3; RFC 9470, section 3)", 'Bearer realm="tenantry", error="invalid_token"'],
} as const;

export type FieldName = keyof typeof FIELDS;

/** The components that `fields` refers to. */
export const HEADERS = Object.fromEntries(
  Object.entries(FIELDS).map(([name, [description, example]]) => [
    name,
    { description, schema: { type: "string" as const, examples: [example] } },
  ]),
);

/** The fields of every answer below /v1, and those named. */
export function fields(...names: FieldName[]) {
  const all = new Set<FieldName>(["X-Request-Id", "Cache-Control", ...names]);
  return Object.fromEntries(
    [...all].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

export type Told = { says?: string; sends?: FieldName[] };

/** Lets a middleware add to the description of each operation that it stands in, and to the headers of its success. */
export function tells<Middleware extends object>(
  { says, sends = [] }: Told,
  middleware: Middleware,
): Middleware {
  const spec = { "x-says": says === undefined ? [] : [says], "x-sends": sends };
  return Object.assign(middleware, { [uniqueSymbol]: { spec } });
}
