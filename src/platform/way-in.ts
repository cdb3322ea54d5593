/**
 * A way in for whoever runs the installation and stands at its console: for the first super admin, and for one who lost
 * every factor or the password. No route gives it. Nothing changes until it is used, and it is used at
 * POST /v1/platform/bootstrap (bootstrap.ts).
 */
import type { AuditAction } from "../audit/actions.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { LIVE_USER_SQL } from "../db/live.ts";
import { tellUser } from "../mail/send.ts";
import { issueOneTimeToken } from "../one-time-tokens/issue.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";
import { lockBootstrap, voidBootstrapTokens } from "./announce-bootstrap.ts";

export const WAY_IN_MINUTES = 15;

type Parts = Pick<Context, "config" | "db" | "keyring" | "log">;

/** `first`: there is no super admin. `another`: there is none who could log in. `recovery`: for the one with this address. */
export type WayIn = { kind: "first" | "another" | "recovery"; email: string | null; token: string };
/** What a token of this kind is kept with: `another` makes a super admin although there was one. */
export type WayInPayload = { another?: true } | null;

/** Nobody, or more than one, could be meant. The message is for the operator. */
export class WayInError extends Error {
  override name = "WayInError";
}

type SuperAdmin = { id: string; email: string; isLive: boolean };

/**
 * Makes the token and voids every older one. Of several super admins `email` has to name one.
 * @throws WayInError
 */
export function openWayIn(ctx: Parts, email?: string): Promise<WayIn> {
  return commit(ctx, async (tx) => {
    await lockBootstrap(tx);
    const all = await readSuperAdmins(tx);
    const live = all.filter(({ isLive }) => isLive);
    const chosen = live.length === 0 ? null : choose(live, email);
    if (!chosen && email !== undefined)
      throw new WayInError(
        "there is no super admin who could log in. Leave --email out: then a new one is made.",
      );
    await voidBootstrapTokens(tx);
    const { token } = await issueOneTimeToken(tx, ctx, {
      purpose: "bootstrap",
      user: chosen && { id: chosen.id, tenantId: null },
      ...(chosen && { email: chosen.email }),
      ttlSeconds: WAY_IN_MINUTES * 60,
      ...(!chosen && all.length > 0 && { payload: { another: true } satisfies WayInPayload }),
    });
    const kind = chosen ? "recovery" : all.length > 0 ? "another" : "first";
    await record(tx, kind, chosen);
    return { kind, email: chosen?.email ?? null, token };
  });
}

/** Whether somebody could log in who may do everything. */
export async function hasLiveSuperAdmin(tx: Transaction): Promise<boolean> {
  return (await readSuperAdmins(tx)).some(({ isLive }) => isLive);
}

/** Tells every super admin, whoever got back in among them: the others are who would know that it was no operator. */
export async function tellSuperAdmins(tx: Transaction, ctx: Context): Promise<void> {
  const at = new Date().toISOString();
  for (const { id, isLive } of await readSuperAdmins(tx))
    if (isLive) await tellUser(tx, ctx, { id, tenantId: null }, { template: "way_in_used", at });
}

function choose(live: SuperAdmin[], email: string | undefined): SuperAdmin {
  const meant = live.filter((admin) => email === undefined || admin.email === email);
  const [one, ...others] = meant;
  if (one && others.length === 0) return one;
  const names = live.map((admin) => admin.email).join(", ");
  throw new WayInError(
    one
      ? `there are several super admins: ${names}. Say which one with --email.`
      : `no super admin who could log in has this address. There are: ${names}.`,
  );
}

/** By hand: whoever is deleted is seen as well. */
function readSuperAdmins(tx: Transaction): Promise<SuperAdmin[]> {
  return tx.$queryRawUnsafe<SuperAdmin[]>(
    `SELECT users.id, accounts.email, (${LIVE_USER_SQL} AND NOT accounts.is_deleted) AS "isLive"
     FROM user_roles JOIN users ON users.id = user_roles.user_id JOIN accounts ON accounts.id = users.account_id
     WHERE user_roles.role_id = $1::uuid AND user_roles.tenant_id IS NULL ORDER BY accounts.email`,
    SYSTEM_ROLES.super_admin,
  );
}

/** Nobody's request: the row has no actor. Whose console it was the machine's own log says. */
async function record(tx: Transaction, kind: string, chosen: SuperAdmin | null): Promise<void> {
  await tx.auditLog.create({
    data: {
      id: newId(),
      action: "platform.way_in_opened" satisfies AuditAction,
      resourceType: "user",
      resourceId: chosen?.id ?? null,
      details: { kind, minutes: WAY_IN_MINUTES },
    },
    select: { id: true },
  });
}
