/**
 * The way to the first super admin. There is no default account and no default password (ASVS 5.0, 6.3.2): while there
 * is no super admin, the server writes a one-time token on its console when it starts.
 */
import pg from "pg";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { LOCKS } from "../db/lock-names.ts";
import { acrossTenants } from "../db/scope.ts";
import { issueOneTimeToken } from "../one-time-tokens/issue.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";

const DAY_SECONDS = 24 * 3600;

type Parts = Pick<Context, "config" | "db" | "keyring" | "log">;

/**
 * Writes the token, once: of several instances that start at once one writes it, and while that one runs no other does.
 * A restart makes a new token and voids the old one.
 * @param write where a person reads it. Not the log: logs are kept, and read by many.
 * @returns what lets go of the right to write it; null when there was nothing to write.
 */
export function announceBootstrap(
  ctx: Parts,
  write: (text: string) => void,
): Promise<(() => Promise<void>) | null> {
  return acrossTenants(() => announce(ctx, write));
}

async function announce(
  ctx: Parts,
  write: (text: string) => void,
): Promise<(() => Promise<void>) | null> {
  if (await commit(ctx, (tx) => hasSuperAdmin(tx))) return null;
  const turn = await takeTurn(ctx);
  if (!turn) {
    ctx.log("info", "another instance has written the bootstrap token");
    return null;
  }
  const token = await issueBootstrapToken(ctx);
  if (token !== null) write(announcement(ctx.config.issuer, token));
  return turn;
}

/** Only one transaction at a time makes a bootstrap token or a first super admin. */
export async function lockBootstrap(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.bootstrap}::int, 1)`;
}

/** Whoever they are: a super admin who is disabled or deleted does not open this way again. */
export async function hasSuperAdmin(tx: Transaction): Promise<boolean> {
  const found = await tx.userRole.findFirst({
    where: { roleId: SYSTEM_ROLES.super_admin, tenantId: null },
    select: { userId: true },
  });
  return found !== null;
}

/** Of these one counts at a time. */
export async function voidBootstrapTokens(tx: Transaction): Promise<void> {
  await tx.oneTimeToken.updateMany({
    where: { purpose: "bootstrap", usedAt: null },
    data: { usedAt: new Date() },
  });
}

async function issueBootstrapToken(ctx: Parts): Promise<string | null> {
  return commit(ctx, async (tx) => {
    await lockBootstrap(tx);
    if (await hasSuperAdmin(tx)) return null;
    await voidBootstrapTokens(tx);
    const { token } = await issueOneTimeToken(tx, ctx, {
      purpose: "bootstrap",
      user: null,
      ttlSeconds: DAY_SECONDS,
    });
    return token;
  });
}

/**
 * A lock that lasts as long as its connection, and so as long as the process, however that ends. Null when another
 * instance holds it.
 */
async function takeTurn({ config }: Parts): Promise<(() => Promise<void>) | null> {
  const connection = new pg.Client({
    // Past any pooler, which would lend the lock to somebody else.
    connectionString: config.listenDatabaseUrl,
    connectionTimeoutMillis: config.databaseTimeoutSeconds * 1000,
    keepAlive: true,
    application_name: "tenantry bootstrap",
  });
  // Lost, it lets another instance write a token, which is no harm.
  connection.on("error", () => {});
  await connection.connect();
  const { rows } = await connection.query<{ taken: boolean }>(
    `SELECT pg_try_advisory_lock(${LOCKS.bootstrap}, 2) AS taken`,
  );
  if (!rows[0]?.taken) {
    await connection.end();
    return null;
  }
  // By then the token has expired: the next instance that starts may write one.
  const expiry = setTimeout(() => void connection.end(), DAY_SECONDS * 1000);
  expiry.unref();
  return async () => {
    clearTimeout(expiry);
    await connection.end();
  };
}

function announcement(issuer: string, token: string): string {
  return `
There is no super admin yet. Within 24 hours, make one with this token, which works once:

  ${token}

  curl -X POST ${issuer.replace(/\/$/, "")}/v1/platform/bootstrap -H 'content-type: application/json' \\
    -d '{"token":"${token}","email":"you@example.com","password":"…"}'

A restart makes a new token and voids this one.
`;
}
