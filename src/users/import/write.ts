import { recordAudits } from "../../audit/record.ts";
import type { AuthedContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { newId } from "../../db/id.ts";
import { ApiError, NotFoundError, ValidationError } from "../../errors.ts";
import { assertAllowedDomain, freeSeats } from "../../tenants/admission.ts";
import { lockActiveTenant } from "../../tenants/lock.ts";
import { settingsOf } from "../../tenants/settings.ts";
import { defaultRoles, rolesToGrant } from "../roles.ts";
import type { NumberedRow, Report } from "./report.ts";

export type Target = { tenantId: string | null; dryRun: boolean };

type Role = { id: string; name: string };
type NewUser = NumberedRow & { id: string; roles: Role[] };

/**
 * Writes those rows of a batch that a single creation would let in, with an audit row each, in a dozen statements for
 * all of them. Nobody but this import can know which address belongs to whom meanwhile: what is taken at the moment of
 * the insert is left out and reported.
 */
export async function writeRows(
  tx: Transaction,
  ctx: AuthedContext,
  { tenantId, dryRun }: Target,
  rows: NumberedRow[],
  { report, fail }: Report,
): Promise<void> {
  if (!(await lockActiveTenant(tx, tenantId))) throw new NotFoundError("tenant");
  const admitted = await admit(tx, ctx, tenantId, rows, fail);
  // A dry run takes none, so those of the batches before are counted here.
  const seats = (await freeSeats(tx, tenantId)) - (dryRun ? report.created : 0);
  for (const { line } of admitted.splice(Math.max(0, seats))) fail(line, "", "All seats are taken");
  const written = dryRun ? admitted : await insert(tx, ctx, tenantId, admitted, fail);
  report.created += written.length;
}

async function admit(
  tx: Transaction,
  ctx: AuthedContext,
  tenantId: string | null,
  rows: NumberedRow[],
  fail: Report["fail"],
): Promise<NewUser[]> {
  const settings = await settingsOf(tx, tenantId);
  const taken = await addressesTaken(tx, ctx, tenantId, rows);
  const roles = roleFinder(tx, ctx, tenantId);
  const admitted: NewUser[] = [];
  for (const { line, row } of rows) {
    try {
      assertAllowedDomain(settings, row.email);
      if (taken.has(row.email)) throw emailTaken();
      admitted.push({ line, row, id: newId(), roles: await roles(row.roles) });
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
    if (names && !ctx.principal.permissions.has("role:assign"))
      throw new ValidationError([
        { path: "roles", message: "Giving roles needs the permission role:assign" },
      ]);
    return rolesToGrant(tx, ctx, tenantId, names ?? (await defaultRoles(tx, tenantId)));
  }
}

/** Those that the caller could see; the index knows the others when it comes to writing. */
async function addressesTaken(
  tx: Transaction,
  { config }: AuthedContext,
  tenantId: string | null,
  rows: NumberedRow[],
): Promise<Set<string>> {
  const emails = rows.map(({ row }) => row.email);
  const perTenant = config.emailScope === "tenant";
  const found = await tx.$queryRaw<{ email: string }[]>`
    SELECT email FROM users
    WHERE email = ANY(${emails}) AND NOT is_deleted
      AND (NOT ${perTenant} OR email_scope IS NOT DISTINCT FROM ${tenantId}::uuid)`;
  return new Set(found.map(({ email }) => email));
}

async function insert(
  tx: Transaction,
  ctx: AuthedContext,
  tenantId: string | null,
  users: NewUser[],
  fail: Report["fail"],
): Promise<NewUser[]> {
  const { userId } = ctx.principal;
  const emailScope = ctx.config.emailScope === "tenant" ? tenantId : null;
  const rows = users.map(({ id, row }) => ({ id, ...row }));
  // One parameter of JSON: Prisma would spend more time on thousands of them than PostgreSQL on the rows.
  const inserted = await tx.$queryRaw<{ id: string }[]>`
    INSERT INTO users (id, tenant_id, email_scope, email, first_name, last_name, password_hash, email_verified_at, created_by)
    SELECT id, ${tenantId}::uuid, ${emailScope}::uuid, email, "firstName", "lastName", "passwordHash",
      CASE WHEN "emailVerified" THEN now() END, ${userId}::uuid
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS rows
      (id uuid, email text, "firstName" text, "lastName" text, "passwordHash" text, "emailVerified" boolean)
    ON CONFLICT DO NOTHING
    RETURNING id`;
  const ids = new Set(inserted.map(({ id }) => id));
  const written = users.filter(({ id }) => ids.has(id));
  for (const { id, line } of users) if (!ids.has(id)) fail(line, "email", emailTaken().message);
  const grants = written.flatMap(({ id, roles }) =>
    roles.map((role) => ({ userId: id, roleId: role.id })),
  );
  await tx.$executeRaw`
    INSERT INTO user_roles (user_id, role_id, tenant_id, granted_by)
    SELECT "userId", "roleId", ${tenantId}::uuid, ${userId}::uuid
    FROM jsonb_to_recordset(${JSON.stringify(grants)}::jsonb) AS grants ("userId" uuid, "roleId" uuid)`;
  const entries = written.map(({ id, row, roles }) => ({
    action: "user.created",
    resourceType: "user",
    resourceId: id,
    tenantId,
    details: {
      imported: true,
      roles: roles.map((role) => role.name),
      ...(row.passwordHash !== undefined && { passwordImported: true }),
      ...(row.emailVerified && { emailVerified: true }),
    },
  }));
  await recordAudits(tx, ctx, entries);
  return written;
}

function emailTaken(): ApiError {
  return new ApiError("email_taken", "Another account has this address.");
}
