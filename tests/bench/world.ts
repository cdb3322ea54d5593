/** All that a row may use: a seeded database, servers that start when they are first asked for, and whoever calls them. */
import { randomBytes } from "node:crypto";
import { scripts } from "../../package.json";
import { createPasswords } from "../../src/crypto/password.ts";
import { type BenchDatabase, withClient } from "./database.ts";
import { type Layout, layoutOf } from "./layout.ts";
import type { Options } from "./options.ts";
import { prepareBetterAuth } from "./peers/prepare.ts";
import { seed } from "./seed.ts";
import { type Server, startServer } from "./servers.ts";
import { createMint, ISSUER, type Mint } from "./tokens.ts";

/** Of every seeded account. */
export const PASSWORD = "correct horse battery staple";

/** What Bun is told before it starts, as every way to start the server does. */
const OF_THE_COLLECTOR = Object.fromEntries(
  Array.from(scripts.start.matchAll(/(BUN_JSC_\w+)=(\S+)/g), ([, name, value]) => [name, value]),
);

/** After those of the owners, so many are of whoever reads, and are not spent. */
const FIRST_SESSIONS = 100;

export type World = {
  options: Options;
  layout: Layout;
  database: BenchDatabase;
  passwordHash: string;
  tenantry(): Promise<Server>;
  /** One more, which whoever asks for it stops. */
  anotherTenantry(env?: Record<string, string>): Promise<Server>;
  bare(): Promise<Server>;
  anotherBare(): Promise<Server>;
  betterAuth(cookies: "cookie cache" | "database"): Promise<Server>;
  anotherBetterAuth(): Promise<Server>;
  mint: Mint;
  /** The first of so many numbers that nobody had before: of sessions to refresh, accounts to log in, users to make. */
  take(what: "session" | "login" | "user", count: number): number;
  stop(): Promise<void>;
};

export async function makeWorld(
  options: Options,
  database: BenchDatabase,
  folder: string,
): Promise<World> {
  const layout = layoutOf(options);
  const secretKey = randomBytes(32).toString("base64");
  const passwordHash = await (await createPasswords(1)).hash(PASSWORD);
  await withClient(database.ownerUrl, (client) => seed(client, layout, passwordHash));

  const running: Server[] = [];
  const started = new Map<string, Promise<Server>>();
  const once = (name: string, start: () => Promise<Server>) => {
    const known = started.get(name) ?? start();
    started.set(name, known);
    return known;
  };
  let servers = 0;
  async function start(name: string, file: string, path: string, env: Record<string, string>) {
    servers += 1;
    const server = await startServer(folder, { name: `${name}-${servers}`, file, env, path });
    running.push(server);
    return server;
  }

  const anotherTenantry = (env = {}) =>
    start("tenantry", "src/index.ts", "/health/ready", {
      HOST: "127.0.0.1",
      DATABASE_URL: database.appUrl,
      SECRET_KEY: secretKey,
      ISSUER,
      APP_URL: ISSUER,
      TRUSTED_PROXY_HOPS: "1",
      ...OF_THE_COLLECTOR,
      ...env,
    });
  const anotherBare = () =>
    start("bare", "tests/bench/peers/bare.ts", "/", { DATABASE_URL: database.ownerUrl });
  const peer = { SECRET: randomBytes(32).toString("hex") };
  let peerUrl: Promise<string> | undefined;
  const anotherBetterAuth = async (env: Record<string, string> = {}) => {
    const server = (DATABASE_URL: string, more: Record<string, string> = {}) =>
      start("better-auth", "tests/bench/peers/better-auth.ts", "/", {
        ...peer,
        DATABASE_URL,
        ...more,
      });
    peerUrl ??= prepareBetterAuth(database, layout, PASSWORD, server);
    return server(await peerUrl, env);
  };

  await once("tenantry", anotherTenantry);
  const next = { session: layout.tenants.length + FIRST_SESSIONS, login: layout.sessions, user: 1 };
  return {
    options,
    layout,
    database,
    passwordHash,
    tenantry: () => once("tenantry", anotherTenantry),
    anotherTenantry,
    bare: () => once("bare", anotherBare),
    anotherBare,
    betterAuth: (cookies) =>
      once(cookies, () =>
        anotherBetterAuth({ COOKIE_CACHE: cookies === "cookie cache" ? "on" : "off" }),
      ),
    anotherBetterAuth,
    mint: await createMint(database.ownerUrl, secretKey, layout),
    take(what, count) {
      const first = next[what];
      next[what] += count;
      return first;
    },
    async stop() {
      await Promise.all(running.map((server) => server.stop()));
    },
  };
}
