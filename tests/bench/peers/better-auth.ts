/**
 * Better Auth on Hono, Bun and `pg`, set up as its own guides advise: indexes by its migrations, joins in the database, and
 * with COOKIE_CACHE=on its cookie cache. Its limits are off, which is in its favour. The package is not one of the repository
 * (package.json beside this folder), so its types are not known here.
 */
import { Hono } from "hono";
import pg from "pg";

const PACKAGE = "better-auth";
const { betterAuth } = await import(PACKAGE);
const { getMigrations } = await import(`${PACKAGE}/db/migration`);

const port = Number(process.env.PORT);
const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: process.env.SECRET,
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
  session: { cookieCache: { enabled: process.env.COOKIE_CACHE === "on", maxAge: 5 * 60 } },
  experimental: { joins: true },
});
if (process.env.MIGRATE === "on") await (await getMigrations(auth.options)).runMigrations();

const app = new Hono()
  .get("/", (c) => c.json({ status: "ok" }))
  .on(["GET", "POST"], "/api/auth/*", (c) => auth.handler(c.req.raw));
Bun.serve({ hostname: "127.0.0.1", port, fetch: app.fetch });
