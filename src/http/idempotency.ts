/** Requests that may be sent again: draft-ietf-httpapi-idempotency-key-header-06. */
import { createHash } from "node:crypto";
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Config } from "../config.ts";
import type { AuthedContext, AuthedEnv } from "../context.ts";
import { decrypt, encrypt, hashWithKey, isHashWithKey } from "../crypto/secret.ts";
import { newId } from "../db/id.ts";
import { oldRows } from "../db/old-rows.ts";
import { ApiError } from "../errors.ts";
import { payerOf } from "../principal.ts";
import { limitedBytes } from "./body.ts";

const KEPT = "24 hours";
export const OLD_IDEMPOTENCY_KEYS = oldRows("idempotency_keys", "expires_at");
/** Longer than any request of ours takes between two signs of life: who is silent for so long has died. */
const IN_FLIGHT = "1 minute";
const SIGN_OF_LIFE_MILLIS = 20_000;

/** A string of RFC 8941, section 3.3.3; and bare, as many clients send it. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$/;
const BARE = /^[A-Za-z0-9._~:/+=-]+$/;
const MAX_LENGTH = 255;

type Options = {
  required?: boolean;
  /** The body is read as a stream by the handler, and may be this long; without it, it is validated JSON. */
  streamLimit?: (ctx: AuthedContext) => number;
};
/** Which request it is, and the row that stands for it. */
type Reservation = { id: string; route: string; key: string };
type Answer = {
  status: number;
  /** Null when it was too long to be kept. */
  body: string | null;
  headers: Record<string, string>;
};
/** A longer answer is noted as given, and not kept: a thousand rows of a megabyte are a full disk. */
export const MOST_KEPT_BYTES = 64 * 1024;
const KEPT_HEADERS = ["content-type", "location", "etag"];

/**
 * With the header Idempotency-Key, the second request with one key gets the answer of the first and does nothing. 422
 * for another request under the same key, 409 while the first is under way. Only successes are kept: after a 4xx
 * nothing was done, and the caller may mend the request and send it under the same key; after a 5xx, or when the first
 * one died, the key is free again. Of an answer that is too long to be kept the second request hears that it was given.
 * A tenant has a budget of answers a day, and gets 429 beyond it. Comes after `authenticate` and `authorize`, which a
 * retry passes like every request, and after `validate("json", …)`: two bodies are the same when the same was read from
 * them.
 */
export function idempotent({
  required = false,
  streamLimit,
}: Options = {}): MiddlewareHandler<AuthedEnv> {
  return async function idempotent(c, next) {
    const key = readKey(c.req.header("idempotency-key"), required);
    if (key === null) return next();
    const { ctx } = c.var;
    const route = `${c.req.method} ${routePath(c, -1)}`;
    const payload = streamLimit
      ? hashedStream(c, streamLimit(ctx), ctx.config)
      : async () => sha256(JSON.stringify(c.req.valid("json" as never)));
    const fingerprint = async () => `${new URL(c.req.url).search} ${await payload()}`;

    const reservation = { id: newId(), route, key };
    const limit = await count(ctx);
    // Nothing new is done, and what was done is still told.
    if (limit && !(await find(ctx, reservation))) throw limit;
    // What comes as a stream has its fingerprint once it has come.
    if (limit || !(await reserveKey(ctx, reservation, streamLimit ? "" : await fingerprint())))
      return answerAgain(c, reservation, fingerprint, streamLimit !== undefined);
    const signs = setInterval(() => prolong(ctx, reservation), SIGN_OF_LIFE_MILLIS);
    try {
      await next();
    } finally {
      clearInterval(signs);
      const done = c.finalized && c.res.ok;
      // What was done is done: that it cannot be noted is no reason to call it failed. In a minute the key is free.
      await (done ? keep(c, reservation, fingerprint) : release(ctx, reservation)).catch((err) =>
        ctx.log("error", "an idempotency key is not settled", { error: err }),
      );
    }
  };
}

function readKey(header: string | undefined, required: boolean): string | null {
  if (header === undefined && !required) return null;
  // In quotes, each character may stand behind a backslash.
  const text = header !== undefined && header.length <= 2 * MAX_LENGTH + 2 ? header : "";
  const quoted = QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, "$1");
  const key = quoted ?? (BARE.test(text) ? text : undefined);
  if (key !== undefined && key.length <= MAX_LENGTH) return key;
  const problem = header === undefined ? "This needs an idempotency key" : "It is not one";
  throw new ApiError(
    "invalid_idempotency_key",
    `${problem}: send Idempotency-Key: "<a UUID, or ${MAX_LENGTH} characters of ASCII at most>".`,
  );
}

/** One statement, so that of many requests at once one gets the key. What has expired is as good as gone. */
async function reserveKey(
  ctx: AuthedContext,
  { id, route, key }: Reservation,
  fingerprint: string,
): Promise<boolean> {
  const { userId, tenantId } = ctx.principal;
  const reserved = await ctx.db.$executeRaw`
    INSERT INTO idempotency_keys AS held (id, tenant_id, user_id, route, key, request_hash, expires_at)
    VALUES (${id}::uuid, ${tenantId}::uuid, ${userId}::uuid, ${route}, ${key}, ${hash(ctx, fingerprint)},
      now() + ${IN_FLIGHT}::interval)
    ON CONFLICT (user_id, route, key) DO UPDATE
    SET id = EXCLUDED.id, tenant_id = EXCLUDED.tenant_id, request_hash = EXCLUDED.request_hash, status = NULL,
      response = NULL, created_at = now(), expires_at = EXCLUDED.expires_at
    WHERE held.expires_at < now()`;
  return reserved === 1;
}

async function answerAgain(
  c: HonoContext<AuthedEnv>,
  reservation: Reservation,
  fingerprint: () => Promise<string>,
  isStream: boolean,
): Promise<Response> {
  const { ctx } = c.var;
  const held = await find(ctx, reservation);
  const sealed = held?.response ?? null;
  if (held && (sealed !== null || !isStream)) {
    if (!isHashWithKey(ctx.keyring.code, label(await fingerprint()), held.requestHash))
      throw new ApiError("idempotency_key_reused");
  }
  if (!held || sealed === null) throw new ApiError("idempotency_key_in_use");
  const answer: Answer = JSON.parse(decrypt(ctx.keyring.data, sealed, held.id));
  if (answer.body === null)
    throw new ApiError(
      "answer_not_kept",
      `The first request with this Idempotency-Key was done and answered with ${answer.status}; the answer was too long to be kept. Nothing was done again.`,
    );
  return c.body(answer.body, answer.status as 200, answer.headers);
}

/** What has expired is as good as gone, as in `reserveKey`. */
function find({ db, principal: { userId, tenantId } }: AuthedContext, { route, key }: Reservation) {
  const expiresAt = { gt: new Date() };
  return db.idempotencyKey.findFirst({ where: { userId, tenantId, route, key, expiresAt } });
}

/** Counts one more answer that is kept; answers what to refuse the request with when there are too many. */
async function count(ctx: AuthedContext): Promise<ApiError | null> {
  try {
    await ctx.rateLimits.consume("kept_answers", payerOf(ctx.principal));
    return null;
  } catch (err) {
    if (err instanceof ApiError && err.code === "rate_limited") return err;
    throw err;
  }
}

/** Encrypted: an answer may hold what is shown once, and always somebody's data. */
async function keep(
  c: HonoContext<AuthedEnv>,
  { id }: Reservation,
  fingerprint: () => Promise<string>,
): Promise<void> {
  const { ctx, res } = { ctx: c.var.ctx, res: c.res.clone() };
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = res.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  const text = await res.text();
  const isKept = Buffer.byteLength(text) <= MOST_KEPT_BYTES;
  const answer: Answer = { status: res.status, body: isKept ? text : null, headers };
  const sealed = Uint8Array.from(encrypt(ctx.keyring.data, JSON.stringify(answer), id));
  await ctx.db.$executeRaw`
    UPDATE idempotency_keys
    SET status = ${answer.status}, response = ${sealed}, request_hash = ${hash(ctx, await fingerprint())},
      expires_at = now() + ${KEPT}::interval
    WHERE id = ${id}::uuid AND status IS NULL`;
  await ctx.rateLimits.charge(
    "kept_answers",
    payerOf(ctx.principal),
    Math.floor(sealed.length / 1024),
  );
}

async function release({ db }: AuthedContext, { id }: Reservation): Promise<void> {
  await db.idempotencyKey.deleteMany({ where: { id, status: null } });
}

function prolong({ db, log }: AuthedContext, { id }: Reservation): void {
  db.$executeRaw`
    UPDATE idempotency_keys SET expires_at = now() + ${IN_FLIGHT}::interval
    WHERE id = ${id}::uuid AND status IS NULL`.catch((err) =>
    log("warn", "an idempotency key is not prolonged", { error: err }),
  );
}

/** With a key of the server's: a payload may hold a password, and a plain hash of it would tell by trial. */
function hash({ keyring }: AuthedContext, fingerprint: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hashWithKey(keyring.code, label(fingerprint)));
}

function label(fingerprint: string): string {
  return `idempotency ${fingerprint}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Lets the handler read the body, and answers the hash of what it read; of the whole body when nobody has. */
function hashedStream(c: HonoContext, limit: number, config: Config): () => Promise<string> {
  const hasher = createHash("sha256");
  const bytes = limitedBytes(c.req.raw, limit, config);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await bytes.next();
        if (done) return controller.close();
        hasher.update(value);
        controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  c.req.raw = new Request(c.req.raw, { body });
  return async () => {
    for await (const chunk of bytes) hasher.update(chunk);
    return hasher.copy().digest("hex");
  };
}
