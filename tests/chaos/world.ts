/** Everything that can break: two servers on one database and its replica, one through PgBouncer; and where their mails go. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSmtp, type TestSmtp } from "../mail/smtp-server.ts";
import { type DatabaseProxy, startProxy } from "../server/proxy.ts";
import { hasPgBouncer, type Pooler, startPgBouncer } from "../support/pgbouncer.ts";
import { prepareLogin } from "../support/postgres.ts";
import { type Instance, startInstance } from "./instance.ts";
import { type Cluster, startCluster } from "./postgres.ts";
import { type Replica, startReplica } from "./replica.ts";

const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const POOLED_CONNECTIONS = 20;

export type World = {
  postgres: Cluster;
  /** Null where it is not installed. */
  pooler: PoolerOfWorld | null;
  /** Where both servers read lists. */
  replica: Replica;
  smtp: TestSmtp;
  /** In front of the SMTP server. */
  smtpProxy: DatabaseProxy;
  instances: [Instance, Instance];
  /** Sets the clock of the second server off by so many seconds; null where Debian's faketime is not installed. */
  stepClock: ((seconds: number) => void) | null;
  secretKey: string;
  /** Of Tenantry's database, as the superuser, straight to PostgreSQL. */
  databaseUrl: string;
  folder: string;
  close(how: { keepLogs: boolean }): Promise<void>;
};

export type PoolerOfWorld = { signal(signal: NodeJS.Signals): void; restart(): Promise<void> };

/** @param port the first of two for the servers, and one for PgBouncer. */
export async function makeWorld(port: number): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-chaos-logs-"));
  const postgres = await startCluster();
  const databaseUrl = await makeDatabase(postgres);
  const appUrl = await prepareLogin(databaseUrl);
  const replica = await startReplica(postgres, databaseUrl);
  let pooler: Pooler | null = hasPgBouncer()
    ? await startPgBouncer(appUrl, { connections: POOLED_CONNECTIONS, port: port + 2 })
    : null;
  const smtp = await startSmtp();
  const smtpProxy = await startProxy(smtp.url);
  const secretKey = randomBytes(32).toString("base64");
  const clock = join(folder, "clock");
  writeFileSync(clock, "+0");
  const env = {
    NODE_ENV: "production",
    HOST: "127.0.0.1",
    SECRET_KEY: secretKey,
    DATABASE_REPLICA_URL: replica.at(appUrl),
    ISSUER: "https://id.example.com",
    APP_URL: "https://app.example.com",
    SMTP_URL: smtpProxy.url,
    MAIL_FROM: "no-reply@example.com",
    // Each caller has an address of its own, and so the limits hold as they do outside.
    TRUSTED_PROXY_HOPS: "1",
    SESSION_LIMIT: "0",
    // Owners make keys for as long as it takes.
    STEP_UP_SECONDS: "86400",
  };
  const pooled = pooler && {
    DATABASE_URL: pooler.url,
    LISTEN_DATABASE_URL: appUrl,
    PREPARED_STATEMENTS: "off",
  };
  const faked = existsSync(FAKETIME)
    ? {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_CACHE_DURATION: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      }
    : null;
  const instances: [Instance, Instance] = [
    startInstance(
      "one",
      { ...env, DATABASE_URL: appUrl, ...pooled, PORT: String(port) },
      join(folder, "one.log"),
    ),
    startInstance(
      "two",
      { ...env, DATABASE_URL: appUrl, ...faked, PORT: String(port + 1) },
      join(folder, "two.log"),
    ),
  ];
  return {
    postgres,
    pooler: pooler && {
      signal: (signal) => pooler && process.kill(pooler.pid, signal),
      async restart() {
        await pooler?.stop();
        pooler = await startPgBouncer(appUrl, { connections: POOLED_CONNECTIONS, port: port + 2 });
      },
    },
    replica,
    smtp,
    smtpProxy,
    instances,
    stepClock: faked && ((seconds) => writeFileSync(clock, `${seconds < 0 ? "" : "+"}${seconds}`)),
    secretKey,
    databaseUrl,
    folder,
    async close({ keepLogs }) {
      for (const instance of instances) await instance.stop();
      await pooler?.stop();
      await smtpProxy.close();
      await smtp.close();
      await replica.destroy();
      await postgres.destroy();
      if (!keepLogs) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeDatabase(postgres: Cluster): Promise<string> {
  await postgres.query("CREATE DATABASE tenantry TEMPLATE template0");
  const url = new URL(postgres.url);
  url.pathname = "/tenantry";
  const migrate = Bun.spawn(["bunx", "prisma", "migrate", "deploy"], {
    env: { ...process.env, DATABASE_URL: url.href },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if ((await migrate.exited) !== 0) throw new Error(await migrate.stderr.text());
  return url.href;
}
