/** Reading bodies: JSON as strictly as RFC 8259 allows, so that what is validated is what was sent; and text as it comes. */
import type { Context as HonoContext } from "hono";
import type { Config } from "../config.ts";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { parseJson } from "./json-fault.ts";
import { millisFor } from "./pace.ts";

/** What somebody may send whom nobody knows yet. The longest of these bodies, a passkey's, has less. */
export const ANONYMOUS_BODY_BYTES = 16 * 1024;

/** In UTF-8, whether it says so or not. */
const TEXT_TYPE = /^([\w/.+-]+)\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/** The media type of the body, in lower case. Null for what is compressed, or in another charset: nothing here reads it. */
export function textTypeOf({ req }: HonoContext): string | null {
  if (req.header("content-encoding")) return null;
  return TEXT_TYPE.exec(req.header("content-type") ?? "")?.[1]?.toLowerCase() ?? null;
}

/**
 * The body of the request: BODY_LIMIT_BYTES at most, and ANONYMOUS_BODY_BYTES until the caller is known, counted while it
 * comes. @throws ApiError `unsupported_media_type`, `body_too_large`, `body_too_slow` or `malformed_body`.
 */
export async function readJson(c: HonoContext<AppEnv>): Promise<unknown> {
  if (textTypeOf(c) !== "application/json") throw new ApiError("unsupported_media_type");
  const { ctx } = c.var;
  const { bodyLimitBytes } = ctx.config;
  const limit =
    "principal" in ctx ? bodyLimitBytes : Math.min(bodyLimitBytes, ANONYMOUS_BODY_BYTES);
  const bytes = limitedBytes(c.req.raw, limit, ctx.config);
  const pieces = await Array.fromAsync(decode(bytes, { withMark: true }));
  const parsed = parseJson(pieces.join(""));
  if ("fault" in parsed) throw malformed(parsed.fault ?? "The body is not valid JSON.");
  return parsed.value;
}

/**
 * The body as it comes, `limit` bytes at most, and no slower than pace.ts allows.
 * @throws ApiError `body_too_large`, `body_too_slow` or `malformed_body`.
 */
export async function* limitedBytes(
  request: Request,
  limit: number,
  config: Config,
): AsyncGenerator<Uint8Array> {
  const tooLarge = () => new ApiError("body_too_large", `A body may have ${limit} bytes at most.`);
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const begun = performance.now();
  const reader = request.body?.getReader();
  try {
    for (let size = 0; reader; ) {
      // A chunked body announces no length: it is counted as it comes.
      const chunk = await within(begun + millisFor(size, config), reader.read());
      if (chunk.done) return;
      size += chunk.value.byteLength;
      if (size > limit) throw tooLarge();
      yield chunk.value;
    }
  } catch (err) {
    // The caller went away, or broke its own chunked coding.
    throw err instanceof ApiError ? err : malformed("The body ended before it was complete.");
  } finally {
    // Not awaited: what is left of it may never come.
    reader?.cancel().catch(() => {});
  }
}

/** Waits for it until then, on the clock of `performance`. @throws ApiError `body_too_slow` */
async function within<T>(deadline: number, read: Promise<T>): Promise<T> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const tooSlow = new ApiError("body_too_slow");
  const timer = setTimeout(reject, Math.max(0, deadline - performance.now()), tooSlow);
  try {
    return await Promise.race([read, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param withMark leaves the mark of byte order where it is. @throws ApiError `malformed_body` for what is no UTF-8. */
export async function* decode(
  bytes: AsyncIterable<Uint8Array>,
  { withMark = false } = {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: withMark });
  try {
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (err) {
    throw err instanceof TypeError ? malformed("The body is not valid UTF-8.") : err;
  }
}

function malformed(message: string): ApiError {
  return new ApiError("malformed_body", message);
}
