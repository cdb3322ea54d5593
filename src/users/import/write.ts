import { isBelieved, originOfGiven, poolOfAdded } from "../../accounts/pool.ts";
import { recordAudits } from "../../audit/record.ts";
import type { AuthedContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { newId } from "../../db/id.ts";
import { ApiError, ValidationError } from "../../errors.ts";
import { mayAssign, rolesToGrant } from "../../roles/giving.ts";
import { settingsOf, type TenantSettings } from "../../tenant-settings/settings.ts";
import { assertAllowedDomain, freeSeats } from "../../tenants/admission.ts";
import { enterTenant } from "../../tenants/lock.ts";
import { emailTaken } from "../create.ts";
import { insertUsers, ofTenant } from "../insert.ts";
import { tellAdded } from "../tell-added.ts";
import type { NumberedRow, Report } from "./report.ts";

export type Target = { tenantId: string | null; dryRun: boolean };

type Role = { id: string; name: string };
type NewUser = NumberedRow & {
  id: string;
  roles: Role[];
  /** Whether the address counts as proved: not by the word of a tenant that shares its addresses with all (accounts/pool.ts). */
  isProved: boolean;
};

/**
 * Writes those rows of a batch that a single creation would let in, with an audit row each, in a dozen statements for
 * all of them. What is taken at the moment of the insert is left out and reported: by somebody of the tenant, or for
 * platform accounts by any shared account. To a tenant an address with an account elsewhere is like any other
 * (accounts/pool.ts).
 */
export async function writeRows(
  tx: Transaction,
  ctx: AuthedContext,
  { tenantId, dryRun }: Target,
  rows: NumberedRow[],
  { report, fail }: Report,
): Promise<void> {
  await enterTenant(tx, tenantId);
  const settings = await settingsOf(tx, tenantId);
  const into = { tenantId, settings };
  const admitted = await admit(tx, ctx, into, rows, fail);
  // A dry run takes none, so those of the batches before are counted here.
  const seats = (await freeSeats(tx, tenantId)) - (dryRun ? report.created : 0);
  for (const { line } of admitted.splice(Math.max(0, seats))) fail(line, "", "All seats are taken");
  const written = dryRun ? admitted : await insert(tx, ctx, into, admitted, fail);
  report.created += written.length;
  report.unproved += written.filter(({ row, isProved }) => row.emailVerified && !isProved).length;
}

type Into = { tenantId: string | null; settings: TenantSettings };

async function admit(
  tx: Transaction,
  ctx: AuthedContext,
  { tenantId, settings }: Into,
  rows: NumberedRow[],
  fail: Report["fail"],
): Promise<NewUser[]> {
  const taken = await addressesTaken(tx, ctx, { tenantId, settings }, rows);
  const roles = roleFinder(tx, ctx, tenantId);
  const admitted: NewUser[] = [];
  for (const { line, row } of rows) {
    try {
      assertAllowedDomain(settings, row.email);
      if (taken.has(row.email)) throw emailTaken();
      const isProved = row.emailVerified && isBelieved(ctx, settings);
      admitted.push({ line, row, id: newId(), roles: await roles(row.roles), isProved });
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
      const [error] = err.details.errors ?? [];
      const field = err.code === "email_taken" ? "email" : "roles";
      fail(line, error?.path ?? field, error?.message ?? err.message);
    }
  }
  return admitted;
}

/** Each set of roles is looked up once a batch. */
function roleFinder(tx: Transaction, ctx: AuthedContext, tenantId: string | null) {
  const known = new Map<string, Promise<Role[]>>();
  return (names: string[] | undefined): Promise<Role[]> => {
    const name = JSON.stringify(names?.toSorted() ?? null);
    const found = known.get(name) ?? find(names);
    known.set(name, found);
    return found;
  };

  async function find(names: string[] | undefined): Promise<Role[]> {
    if (names && !mayAssign(ctx))
      throw new ValidationError([
        { path: "roles", message: "Giving roles needs the permission role:assign" },
      ]);
    return rolesToGrant(tx, ctx, tenantId, names);
  }
}

/** Those that the caller can see: of the tenant, and for platform accounts of the installation. */
async function addressesTaken(
  tx: Transaction,
  ctx: AuthedContext,
  into: Into,
  rows: NumberedRow[],
): Promise<Set<string>> {
  const emails = rows.map(({ row }) => row.email);
  const found = await tx.$queryRaw<{ email: string }[]>`
    SELECT email FROM users
    WHERE email = ANY(${emails}) AND NOT is_deleted AND ${ofTenant(into.tenantId)}
    UNION ALL SELECT email FROM accounts
    WHERE email = ANY(${emails}) AND NOT is_deleted AND pool_id IS NOT DISTINCT FROM ${poolOfAdded(ctx, into)}::uuid`;
  return new Set(found.map(({ email }) => email));
}

async function insert(
  tx: Transaction,
  ctx: AuthedContext,
  into: Into,
  users: NewUser[],
  fail: Report["fail"],
): Promise<NewUser[]> {
  const { userId } = ctx.principal;
  const { tenantId } = into;
  const target = { tenantId, createdBy: userId, poolId: poolOfAdded(ctx, into) };
  const now = new Date();
  const rows = users.map(({ id, row, isProved }) => ({
    id,
    email: row.email,
    firstName: row.firstName,
    lastName: row.lastName,
    status: row.status,
    passwordHash: row.passwordHash,
    passwordOrigin: originOfGiven(ctx),
    emailVerifiedAt: isProved ? now : null,
  }));
  const ids = await insertUsers(tx, target, rows);
  const written = users.filter(({ id }) => ids.has(id));
  for (const { id, line } of users) if (!ids.has(id)) fail(line, "email", emailTaken().message);
  const grants = written.flatMap(({ id, roles }) =>
    roles.map((role) => ({ userId: id, roleId: role.id })),
  );
  await tx.$executeRaw`
    INSERT INTO user_roles (user_id, role_id, tenant_id, granted_by)
    SELECT "userId", "roleId", ${tenantId}::uuid, ${userId}::uuid
    FROM jsonb_to_recordset(${JSON.stringify(grants)}::jsonb) AS grants ("userId" uuid, "roleId" uuid)`;
  const entries = written.map(({ id, row, roles, isProved }) => ({
    action: "user.created" as const,
    resourceType: "user",
    resourceId: id,
    tenantId,
    details: {
      imported: true,
      roles: roles.map((role) => role.name),
      ...(row.passwordHash !== null && { passwordImported: true }),
      ...(isProved && { emailVerified: true }),
      ...(row.status === "disabled" && { status: row.status }),
    },
  }));
  await recordAudits(tx, ctx, entries);
  await tellAdded(
    tx,
    ctx,
    into,
    written.map(({ id }) => id),
  );
  return written;
}
