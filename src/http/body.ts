/** Reading a JSON body as strictly as RFC 8259 allows, so that what is validated is what was sent. */
import type { Context as HonoContext } from "hono";
import type { Config } from "../config.ts";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { jsonFault } from "./json-fault.ts";
import { millisFor } from "./pace.ts";

/** What somebody may send whom nobody knows yet. The longest of these bodies, a passkey's, has less. */
export const ANONYMOUS_BODY_BYTES = 16 * 1024;

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

/**
 * The body of the request: BODY_LIMIT_BYTES at most, and ANONYMOUS_BODY_BYTES until the caller is known, counted while it
 * comes. @throws ApiError `unsupported_media_type`, `body_too_large`, `body_too_slow` or `malformed_body`.
 */
export async function readJson(c: HonoContext<AppEnv>): Promise<unknown> {
  if (!JSON_TYPE.test(c.req.header("content-type") ?? "") || c.req.header("content-encoding")) {
    throw new ApiError(
      "unsupported_media_type",
      "Send JSON, not compressed, with the header Content-Type: application/json.",
    );
  }
  const { ctx } = c.var;
  const { bodyLimitBytes } = ctx.config;
  const limit =
    "principal" in ctx ? bodyLimitBytes : Math.min(bodyLimitBytes, ANONYMOUS_BODY_BYTES);
  const text = decode(await readBytes(c.req.raw, limit, ctx.config));
  const value = parse(text);
  const fault = jsonFault(text);
  if (fault !== null) throw malformed(fault);
  return value;
}

async function readBytes(request: Request, limit: number, config: Config): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of limitedBytes(request, limit, config)) chunks.push(chunk);
  return Buffer.concat(chunks);
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
  const tooSlow = new ApiError("body_too_slow", "Send the body at once, and at 4 KiB/s or faster.");
  const timer = setTimeout(reject, Math.max(0, deadline - performance.now()), tooSlow);
  try {
    return await Promise.race([read, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed("The body is not valid UTF-8.");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("The body is not valid JSON.");
  }
}

function malformed(message: string): ApiError {
  return new ApiError("malformed_body", message);
}
