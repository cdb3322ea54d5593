/** Requests that may be sent again: draft-ietf-httpapi-idempotency-key-header-06. */
import { createHash } from "node:crypto";
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Config } from "../config.ts";
import type { AppEnv, AuthedContext, Context } from "../context.ts";
import { decrypt, encrypt, hashWithKey, isHashWithKey } from "../crypto/secret.ts";
import { newId } from "../db/id.ts";
import { oldRows } from "../db/old-rows.ts";
import { named } from "../db/statement-names.ts";
import { ApiError } from "../errors.ts";
import { networkOf } from "../network.ts";
import { type Principal, payerOf } from "../principal.ts";
import { limitedBytes } from "./body.ts";

const KEPT = "24 hours";
/** What logs somebody in is kept no longer than an access token lives by default: by then a lost answer was asked for again. */
const TOKENS_KEPT = "10 minutes";
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
  /** The answer logs somebody in. */
  tokens?: boolean;
  /** It is done in several commits: what is broken off in between may be sent again, and finds what is there already. */
  piecemeal?: boolean;
};
/**
 * Whose keys they are. Those of callers who are yet to log in are in one room, in which nobody finds another's: a key is a
 * random one, and its answer goes to whoever sends the same request, password or code included.
 */
type Caller = { userId: string | null; tenantId: string | null; payer: string | null };
/** Which request it is, and the row that stands for it. */
type Reservation = { id: string; route: string; key: string };
type Answer = {
  status: number;
  /** Null when it was too long to be kept, and while there is none yet. */
  body: string | null;
  /** Written with the change itself, before there was an answer: who was to give one may have died. */
  isNote?: boolean;
  headers: Record<string, string>;
  /** Each is a field of its own: a cookie's date has a comma (RFC 6265, section 3). */
  cookies?: string[];
};
/** A longer answer is noted as given, and not kept: a thousand rows of a megabyte are a full disk. */
export const MOST_KEPT_BYTES = 64 * 1024;
const KEPT_HEADERS = ["content-type", "location", "etag"];
/** From the request on: so long the answer of what was done may still be on its way into the row. */
const ANSWERED_MILLIS = 10_000;

/**
 * With the header Idempotency-Key, the second request with one key gets the answer of the first and does nothing. 422
 * for another request under the same key, 409 while the first is under way. Only successes are kept: after a 4xx
 * nothing was done, and the caller may mend the request and send it under the same key; after a 5xx, or when the first
 * one died, the key is free again, unless the change was committed: that is noted by its own transaction, and the second
 * request hears that it was done, as it does of an answer that is too long to be kept.
 * A tenant, or a network that is yet to log in, has a budget of answers a day, and gets 429 beyond it. Comes after
 * `authenticate` and `authorize`, which a retry passes like every request, after `validate("json", …)`, since two bodies are
 * the same when the same was read from them, and before `rateLimit`: to be told again costs no attempt.
 */
export function idempotent({
  required = false,
  streamLimit,
  tokens = false,
  piecemeal = streamLimit !== undefined,
}: Options = {}): MiddlewareHandler<AppEnv> {
  return async function idempotent(c, next) {
    const key = readKey(c.req.header("idempotency-key"), required);
    if (key === null) return next();
    const ctx = c.get("ctx");
    const route = `${c.req.method} ${routePath(c, -1)}`;
    const payload = streamLimit
      ? hashedStream(c, streamLimit(ctx as AuthedContext), ctx.config)
      : async () => sha256(JSON.stringify(c.req.valid("json" as never) ?? null));
    const fingerprint = async () => `${new URL(c.req.url).search} ${await payload()}`;

    const reservation = { id: newId(), route, key };
    const limit = await count(ctx);
    // Nothing new is done, and what was done is still told.
    if (limit && !(await find(ctx, reservation))) throw limit;
    // What comes as a stream has its fingerprint once it has come.
    if (limit || !(await reserveKey(ctx, reservation, streamLimit ? "" : await fingerprint())))
      return answerAgain(c, reservation, fingerprint, streamLimit !== undefined);
    const kept = tokens ? TOKENS_KEPT : KEPT;
    if (!piecemeal) c.set("ctx", { ...ctx, noteDone: noteOf(ctx, reservation, kept) });
    const signs = setInterval(() => prolong(ctx, reservation), SIGN_OF_LIFE_MILLIS);
    try {
      await next();
    } finally {
      clearInterval(signs);
      const done = c.finalized && c.res.ok;
      // With a fault of ours nobody knows whether a commit got through: its note does.
      const mayBeDone = !c.finalized || c.res.status >= 500;
      // What was done is done: that its answer cannot be kept is no reason to call it failed.
      await (done
        ? keep(c, reservation, fingerprint, kept)
        : release(ctx, reservation, mayBeDone)
      ).catch((err) => ctx.log("error", "an idempotency key is not settled", { error: err }));
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

function callerOf(ctx: Context): Caller {
  if (!("principal" in ctx))
    return { userId: null, tenantId: null, payer: networkOf(ctx.origin.ip) };
  const principal = ctx.principal as Principal;
  return { userId: principal.userId, tenantId: principal.tenantId, payer: payerOf(principal) };
}

/** By the unique index that stands for each kind of caller. */
const RESERVE = {
  user: reserveUnder("(user_id, route, key)"),
  nobody: reserveUnder("(route, key) WHERE user_id IS NULL"),
};

function reserveUnder(unique: string) {
  return named(`
    INSERT INTO idempotency_keys AS held (id, tenant_id, user_id, route, key, request_hash, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
    ON CONFLICT ${unique} DO UPDATE
    SET id = EXCLUDED.id, tenant_id = EXCLUDED.tenant_id, request_hash = EXCLUDED.request_hash, status = NULL,
      response = NULL, created_at = now(), expires_at = EXCLUDED.expires_at
    WHERE held.expires_at < now()`);
}

/** One statement, so that of many requests at once one gets the key. What has expired is as good as gone. */
async function reserveKey(
  ctx: Context,
  { id, route, key }: Reservation,
  fingerprint: string,
): Promise<boolean> {
  const { userId, tenantId } = callerOf(ctx);
  const { rowCount } = await ctx.pool.query({
    ...(userId === null ? RESERVE.nobody : RESERVE.user),
    values: [id, tenantId, userId, route, key, hash(ctx, fingerprint), IN_FLIGHT],
  });
  return rowCount === 1;
}

async function answerAgain(
  c: HonoContext<AppEnv>,
  reservation: Reservation,
  fingerprint: () => Promise<string>,
  isStream: boolean,
): Promise<Response> {
  const ctx = c.get("ctx");
  const held = await find(ctx, reservation);
  const sealed = held?.response ?? null;
  if (held && (sealed !== null || !isStream)) {
    if (!isHashWithKey(ctx.keyring.code, label(await fingerprint()), held.requestHash))
      throw new ApiError("idempotency_key_reused");
  }
  if (!held || sealed === null) throw new ApiError("idempotency_key_in_use");
  const answer: Answer = JSON.parse(decrypt(ctx.keyring.data, sealed, held.id));
  if (answer.isNote) {
    const age = Date.now() - held.createdAt.getTime();
    throw new ApiError(age < ANSWERED_MILLIS ? "idempotency_key_in_use" : "answer_not_kept");
  }
  if (answer.body === null)
    throw new ApiError(
      "answer_not_kept",
      `The first request with this Idempotency-Key was done and answered with ${answer.status}; the answer was too long to be kept. Nothing was done again.`,
    );
  for (const cookie of answer.cookies ?? []) c.header("set-cookie", cookie, { append: true });
  return answer.body === ""
    ? c.body(null, answer.status as 204, answer.headers)
    : c.body(answer.body, answer.status as 200, answer.headers);
}

/** What has expired is as good as gone, as in `reserveKey`. */
function find(ctx: Context, { route, key }: Reservation) {
  const { userId, tenantId } = callerOf(ctx);
  const expiresAt = { gt: new Date() };
  return ctx.db.idempotencyKey.findFirst({ where: { userId, tenantId, route, key, expiresAt } });
}

/** Counts one more answer that is kept; answers what to refuse the request with when there are too many. */
async function count(ctx: Context): Promise<ApiError | null> {
  const { payer } = callerOf(ctx);
  if (payer === null) return null;
  try {
    await ctx.rateLimits.consume("kept_answers", payer);
    return null;
  } catch (err) {
    if (err instanceof ApiError && err.code === "rate_limited") return err;
    throw err;
  }
}

/** Encrypted: an answer may hold what is shown once, and always somebody's data. */
async function keep(
  c: HonoContext<AppEnv>,
  { id }: Reservation,
  fingerprint: () => Promise<string>,
  kept: string,
): Promise<void> {
  const { ctx, res } = { ctx: c.get("ctx"), res: c.res.clone() };
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = res.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  const text = await res.text();
  const isKept = Buffer.byteLength(text) <= MOST_KEPT_BYTES;
  const cookies = res.headers.getSetCookie();
  const answer: Answer = { status: res.status, body: isKept ? text : null, headers, cookies };
  const sealed = Uint8Array.from(encrypt(ctx.keyring.data, JSON.stringify(answer), id));
  await ctx.db.$executeRaw`
    UPDATE idempotency_keys
    SET status = ${answer.status}, response = ${sealed}, request_hash = ${hash(ctx, await fingerprint())},
      expires_at = now() + ${kept}::interval
    WHERE id = ${id}::uuid`;
  const { payer } = callerOf(ctx);
  if (payer !== null)
    await ctx.rateLimits.charge("kept_answers", payer, Math.floor(sealed.length / 1024));
}

/** In the transaction of the change, so that a server that dies before it answers leaves no key under which it is done again. */
function noteOf(ctx: Context, { id }: Reservation, kept: string): Context["noteDone"] {
  const note: Answer = { status: 200, body: null, headers: {}, isNote: true };
  const sealed = Uint8Array.from(encrypt(ctx.keyring.data, JSON.stringify(note), id));
  // The row is in the scope of the change: both are the caller's.
  return async (tx) =>
    void (await tx.$executeRaw`
      UPDATE idempotency_keys
      SET status = ${note.status}, response = ${sealed}, expires_at = now() + ${kept}::interval
      WHERE id = ${id}::uuid AND status IS NULL`);
}

async function release({ db }: Context, { id }: Reservation, mayBeDone: boolean): Promise<void> {
  await db.idempotencyKey.deleteMany({ where: { id, ...(mayBeDone && { status: null }) } });
}

function prolong({ db, log }: Context, { id }: Reservation): void {
  db.$executeRaw`
    UPDATE idempotency_keys SET expires_at = now() + ${IN_FLIGHT}::interval
    WHERE id = ${id}::uuid AND status IS NULL`.catch((err) =>
    log("warn", "an idempotency key is not prolonged", { error: err }),
  );
}

/** With a key of the server's: a payload may hold a password, and a plain hash of it would tell by trial. */
function hash({ keyring }: Context, fingerprint: string): Uint8Array<ArrayBuffer> {
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
