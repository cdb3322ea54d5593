/** The log-in that most are: nothing more is asked, nobody makes way, and nobody has to be told. */
import { Prisma } from "../../../generated/prisma/client.ts";
import { recording } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import { afterAnswer } from "../../db/commit.ts";
import { statementName } from "../../db/statement-names.ts";
import { factorsSql } from "../../factors/second-factors.ts";
import { newSession, type StartedSession } from "../../sessions/start.ts";
import { outlookSql } from "../../sessions/start-sql.ts";
import type { UserRow } from "../../users/public-user.ts";
import { type Account, lockingActiveAccount } from "../account.ts";
import { writingLogin } from "./complete-login.ts";
import { hasForeignHash } from "./renew-hash.ts";

const METHODS = ["pwd"] as const;
const WHERE_PLAIN = Prisma.sql`WHERE EXISTS (SELECT FROM plain)`;

/**
 * Begins the session in one packet, one transaction without BEGIN and COMMIT: what `begin` and `completeLogin` do one after
 * the other. Nothing is written, and null answered, where anything differs from what the account was read with, or more is
 * to be done than to write a session: then they find out what. tests/auth/login/begin-plainly.test.ts holds both ways equal.
 *
 * The first statement locks, as everywhere, and leaves the name of the account that it has locked; the second begins after
 * it, reads under the lock, and writes for that account alone.
 */
export async function beginPlainly(
  ctx: Context,
  account: Account,
): Promise<{ user: UserRow; session: StartedSession } | null> {
  const { id, tenantId, settings, knownDevice, severalTenants } = account;
  if (severalTenants || hasForeignHash(account)) return null;
  const expected = { settings, knownDevice, isNewDevice: false, beyondLimit: [] };
  const { row, started } = newSession(ctx, [...METHODS], expected);
  const entry = {
    action: "auth.logged_in",
    resourceType: "session",
    resourceId: row.id,
    tenantId,
    details: { methods: METHODS },
  } as const;
  const audit = recording(ctx, entry, id, WHERE_PLAIN);
  const { rows } = await ctx.pool.behind<UserRow>(
    statementOf(locking(ctx, account)),
    statementOf(Prisma.sql`
      WITH ${plain(ctx, account)}, ${writingLogin(ctx, account, row, audit, WHERE_PLAIN)}`),
  );
  const [user] = rows;
  if (!user) return null;
  afterAnswer(ctx, () => ctx.me.forget({ userId: id }));
  return { user, session: started };
}

/** What is locked is named once it is: to name it beside FOR UPDATE would be to name it before the wait. */
function locking(ctx: Context, account: Account): Prisma.Sql {
  return Prisma.sql`
    WITH locked AS MATERIALIZED (${lockingActiveAccount(ctx, account, account.passwordHash ?? "")})
    SELECT set_config('tenantry.held', "accountId"::text, true) FROM locked WHERE NOT "lockedOut"`;
}

/** One row where all is as it was expected, and none else. */
function plain(ctx: Context, account: Account): Prisma.Sql {
  const { accountId, settings, knownDevice } = account;
  const stored = settings === null ? null : JSON.stringify(settings);
  return Prisma.sql`plain AS MATERIALIZED (
      SELECT FROM (SELECT ${factorsSql(accountId)}, ${outlookSql(ctx, account)}) AS outlook
      WHERE current_setting('tenantry.held', true) = ${accountId}
        AND NOT totp AND NOT passkey AND NOT "isNewDevice" AND cardinality("beyondLimit") = 0
        AND "knownDevice" IS NOT DISTINCT FROM ${knownDevice} AND settings IS NOT DISTINCT FROM ${stored}::jsonb
    )`;
}

function statementOf({ text, values }: Prisma.Sql) {
  return { name: statementName(text), text, values };
}
