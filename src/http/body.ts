/** Reading a JSON body as strictly as RFC 8259 allows, so that what is validated is what was sent. */
import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { duplicateKey } from "./duplicate-key.ts";

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

/**
 * @throws ApiError `unsupported_media_type`, `body_too_large` or `malformed_body` (not UTF-8, not JSON, a key twice, a
 * NUL character or half a surrogate pair, which PostgreSQL cannot store).
 */
export async function readJson(c: HonoContext<AppEnv>): Promise<unknown> {
  if (!JSON_TYPE.test(c.req.header("content-type") ?? "")) {
    throw new ApiError("unsupported_media_type", "Send JSON, with the header Content-Type: application/json.");
  }
  const text = decode(await readBytes(c.req.raw, c.var.ctx.config.bodyLimitBytes));
  const value = parse(text);
  const twice = duplicateKey(text);
  if (twice !== null) throw malformed(`The key ${JSON.stringify(twice)} stands twice in one object.`);
  return value;
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new ApiError("body_too_large", `A body may have ${limit} bytes at most.`);
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  // A chunked body announces no length: it is counted as it comes.
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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
    return JSON.parse(text, (key, value) => {
      if (!isStorable(key) || (typeof value === "string" && !isStorable(value))) {
        throw malformed("The body holds a NUL character or an unpaired surrogate.");
      }
      return value;
    });
  } catch (err) {
    throw err instanceof ApiError ? err : malformed("The body is not valid JSON.");
  }
}

/** Whether PostgreSQL can hold the text: it has no NUL and no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function malformed(message: string): ApiError {
  return new ApiError("malformed_body", message);
}
