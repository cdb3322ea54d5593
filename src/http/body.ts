/** Reading bodies: JSON as strictly as RFC 8259 allows, so that what is validated is what was sent; and text as it comes. */
import type { Context as HonoContext } from "hono";
import type { Config } from "../config.ts";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { parseJson } from "./json-fault.ts";
import { millisFor } from "./pace.ts";

/** What somebody may send whom nobody knows yet. The longest of these bodies, a passkey's, has less. */
export const ANONYMOUS_BODY_BYTES = 16 * 1024;

/** A parameter of a media type: a token, or a quoted string. It may be empty (RFC 9110, section 5.6.6). */
const PARAMETER =
  /[ \t]*;[ \t]*(?:([!#$%&'*+.^`|~\w-]+)=(?:([!#$%&'*+.^`|~\w-]+)|"((?:[^"\\]|\\.)*)"))?/y;

/** The media type of the body and its parameters, all in lower case. Null for what is compressed: nothing here reads it. */
export function mediaTypeOf({
  req,
}: HonoContext): { type: string; parameters: [name: string, value: string][] } | null {
  const encoding = req.header("content-encoding")?.trim().toLowerCase();
  if (encoding && encoding !== "identity") return null;
  const header = req.header("content-type")?.trim().toLowerCase() ?? "";
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(header)?.[0];
  if (type === undefined) return null;
  const parameters: [string, string][] = [];
  for (let at = type.length; at < header.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const [parameter, name, token, quoted] = PARAMETER.exec(header) ?? [];
    if (!parameter) return null;
    if (name) parameters.push([name, token ?? quoted?.replace(/\\(.)/g, "$1") ?? ""]);
  }
  return { type, parameters };
}

/**
 * The media type alone. Null as well for another charset than UTF-8, by whichever of its two names. Other parameters say
 * nothing to us (RFC 8259, section 11; RFC 7111).
 */
function textTypeOf(c: HonoContext): string | null {
  const { type, parameters = [] } = mediaTypeOf(c) ?? {};
  const isUtf8 = parameters.every(([name, value]) => name !== "charset" || /^utf-?8$/.test(value));
  return isUtf8 ? (type ?? null) : null;
}

/**
 * For a body in none of the types that are taken: the answer names them (RFC 9110, sections 12.5.1 and 15.5.16), or that
 * no coding is (section 12.5.3).
 */
export function unsupportedType(
  c: HonoContext,
  takes: readonly string[],
  message?: string,
): ApiError {
  if (c.req.header("content-encoding")) c.header("accept-encoding", "identity");
  c.header("accept", takes.join(", "));
  // RFC 5789, section 2.2.
  if (c.req.method === "PATCH") c.header("accept-patch", takes.join(", "));
  return new ApiError("unsupported_media_type", message);
}

/**
 * The body of the request: BODY_LIMIT_BYTES at most, and ANONYMOUS_BODY_BYTES until the caller is known, counted while it
 * comes. @throws ApiError `unsupported_media_type`, `body_too_large`, `body_too_slow` or `malformed_body`.
 */
export async function readJson(c: HonoContext<AppEnv>): Promise<unknown> {
  assertIsJson(c);
  return parsed(await readOwnText(c));
}

/** As `readJson`; undefined where nothing was sent. In chunks that is known at the end alone (RFC 9112, section 7.1). */
export async function readJsonIfSent(c: HonoContext<AppEnv>): Promise<unknown> {
  const announced = c.req.header("content-length");
  if (c.req.raw.body === null || announced === "0") return undefined;
  if (announced !== undefined) return readJson(c);
  const text = await readOwnText(c);
  if (text === "") return undefined;
  assertIsJson(c);
  return parsed(text);
}

function assertIsJson(c: HonoContext<AppEnv>): void {
  if (textTypeOf(c) !== "application/json") throw unsupportedType(c, ["application/json"]);
}

function readOwnText(c: HonoContext<AppEnv>): Promise<string> {
  const ctx = c.get("ctx");
  const { bodyLimitBytes } = ctx.config;
  const limit =
    "principal" in ctx ? bodyLimitBytes : Math.min(bodyLimitBytes, ANONYMOUS_BODY_BYTES);
  return readText(c.req.raw, limit, ctx.config);
}

function parsed(text: string): unknown {
  // RFC 8259, section 8.1: it may be ignored, and PowerShell, Notepad and .NET write one.
  const result = parseJson(text.startsWith("\ufeff") ? text.slice(1) : text);
  if ("fault" in result) throw malformed(result.fault ?? "The body is not valid JSON.");
  return result.value;
}

/** So much may come in one piece: the time that pace.ts allows for it is hardly more than that for the first byte. */
const ONE_PIECE_BYTES = 16 * 1024;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The whole body as text. One that says that it is short, as nearly all are, is read in one piece, which costs a tenth of a
 * stream. @throws ApiError as `limitedBytes` and `decode`.
 */
async function readText(request: Request, limit: number, config: Config): Promise<string> {
  const announced = Number(request.headers.get("content-length") ?? Number.NaN);
  if (!(announced <= Math.min(limit, ONE_PIECE_BYTES))) {
    const bytes = limitedBytes(request, limit, config);
    return (await Array.fromAsync(decode(bytes, { withMark: true }))).join("");
  }
  const bytes = await inOnePiece(request, millisFor(announced, config));
  if (bytes.byteLength > limit) throw tooLarge(limit);
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformed("The body is not valid UTF-8.");
  }
}

/** @throws ApiError `body_too_slow` or `malformed_body`. */
async function inOnePiece(request: Request, millis: number): Promise<Uint8Array> {
  try {
    return await within(performance.now() + millis, request.bytes());
  } catch (err) {
    throw err instanceof ApiError ? err : malformed("The body ended before it was complete.");
  }
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
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  const begun = performance.now();
  const reader = request.body?.getReader();
  try {
    for (let size = 0; reader; ) {
      // A chunked body announces no length: it is counted as it comes.
      const chunk = await within(begun + millisFor(size, config), reader.read());
      if (chunk.done) return;
      size += chunk.value.byteLength;
      if (size > limit) throw tooLarge(limit);
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
  const tooSlow = () => reject(new ApiError("body_too_slow"));
  const timer = setTimeout(tooSlow, Math.max(0, deadline - performance.now()));
  try {
    return await Promise.race([read, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

export type Encoding = "utf-8" | "utf-16le" | "utf-16be";

/**
 * @param withMark leaves the mark of byte order where it is. @param hint what to do about text in another encoding.
 * @throws ApiError `malformed_body` for what is not in the encoding.
 */
export async function* decode(
  bytes: AsyncIterable<Uint8Array>,
  { withMark = false, encoding = "utf-8" as Encoding, hint = "" } = {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: withMark });
  try {
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (err) {
    throw err instanceof TypeError
      ? malformed(`The body is not valid ${encoding.toUpperCase()}.${hint}`)
      : err;
  }
}

function tooLarge(limit: number): ApiError {
  return new ApiError("body_too_large", `A body may have ${limit} bytes at most.`);
}

function malformed(message: string): ApiError {
  return new ApiError("malformed_body", message);
}
