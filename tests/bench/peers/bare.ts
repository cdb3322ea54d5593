/**
 * What a careful hand makes of Hono and `pg` when it leaves out everything but the answer: one named statement a request, no
 * policy, no permissions, no limits, no log, no audit but where the statement itself writes it. It believes whoever says that
 * they are: `Authorization: Bearer <id of a user>`. Answers are those of Tenantry to the letter; the bench compares them.
 */
import { createHash, randomBytes } from "node:crypto";
import { type Context, Hono } from "hono";
import { generateKeyPair, SignJWT } from "jose";
import pg from "pg";
import { deviceName } from "../../../src/device.ts";
import { AUDIT_PAGE, ME, REFRESH, USER, USERS_AFTER, USERS_FIRST } from "./bare-sql.ts";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const { privateKey } = await generateKeyPair("ES256");
const devices = new Map<string, string | null>();

const app = new Hono()
  .get("/", (c) => c.json({ allowed: true, missing: [] }))
  .get("/v1/auth/me", async (c) => {
    const { rows } = await pool.query({ ...ME, values: [callerOf(c)] });
    const { tenant, roles, permissions, ...user } = rows[0];
    return c.json({ user: { ...user, roles }, tenant, roles, permissions, impersonation: null });
  })
  .get("/v1/users", async (c) => {
    const limit = Number(c.req.query("limit") ?? 20);
    const cursor = c.req.query("cursor");
    const [, at, id] = cursor ? JSON.parse(Buffer.from(cursor, "base64url").toString()) : [];
    const page = cursor
      ? { ...USERS_AFTER, values: [callerOf(c), limit + 1, at, id] }
      : { ...USERS_FIRST, values: [callerOf(c), limit + 1] };
    return c.json(toPage((await pool.query(page)).rows, limit, "users"));
  })
  .get("/v1/users/:id", async (c) => {
    const { rows } = await pool.query({ ...USER, values: [callerOf(c), c.req.param("id")] });
    return rows[0] ? c.json(rows[0]) : c.json({ title: "Not found" }, 404);
  })
  .get("/v1/audit-logs", async (c) => {
    const limit = Number(c.req.query("limit") ?? 20);
    const { rows } = await pool.query({ ...AUDIT_PAGE, values: [callerOf(c), limit + 1] });
    const withDevice = rows.map((row) => ({ ...row, device: deviceOf(row.userAgent) }));
    return c.json(toPage(withDevice, limit, "audit-logs"));
  })
  .post("/refresh", async (c) => c.json(await refresh(await c.req.json(), false)))
  .post("/refresh-signed", async (c) => c.json(await refresh(await c.req.json(), true)));

Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: app.fetch });

function callerOf(c: Context): string {
  return c.req.header("authorization")?.slice("Bearer ".length) ?? "";
}

function toPage(rows: { id: string; createdAt: Date }[], limit: number, list: string) {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  const position = last && [`${list} createdAt desc`, last.createdAt, last.id];
  return {
    items,
    nextCursor: position ? Buffer.from(JSON.stringify(position)).toString("base64url") : null,
  };
}

function deviceOf(userAgent: string | null): string | null {
  if (userAgent === null) return null;
  const known = devices.get(userAgent);
  if (known !== undefined) return known;
  const name = deviceName({ requestId: "", ip: null, language: null, device: null, userAgent });
  devices.set(userAgent, name);
  return name;
}

async function refresh({ refreshToken }: { refreshToken: string }, signs: boolean) {
  const successor = randomBytes(32).toString("base64url");
  const { rows } = await pool.query({
    ...REFRESH,
    values: [
      hash(refreshToken),
      Bun.randomUUIDv7(),
      hash(successor),
      Bun.randomUUIDv7(),
      "10.0.0.1",
      "tenantry-bench",
      Bun.randomUUIDv7(),
    ],
  });
  const { sessionId, ...user } = rows[0];
  const accessToken = signs ? await sign(user.id, sessionId) : "";
  return { accessToken, tokenType: "Bearer", expiresIn: 600, refreshToken: successor, user };
}

function sign(sub: string, sid: string): Promise<string> {
  return new SignJWT({ sid })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime("600 seconds")
    .sign(privateKey);
}

function hash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
