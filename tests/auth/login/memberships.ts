/** A person in several tenants. */
import { newId } from "../../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../../src/roles/permissions.ts";
import { type Account, PASSWORD, registerOwner, type TestApp } from "../../support/app.ts";

export type Owner = Account & { tenantId: string; slug: string };

/** Makes the person, who has one account, a member of this tenant; answers who they are there. */
export async function addMembership(
  app: TestApp,
  { id: accountId, email }: Account,
  tenantId: string | null,
): Promise<string> {
  const id = newId();
  // An account has the id of its first user.
  const roleId = tenantId === null ? SYSTEM_ROLES.super_admin : SYSTEM_ROLES.member;
  const roles = { create: { roleId, tenantId } };
  await app.deps.db.user.create({ data: { id, tenantId, accountId, email, roles } });
  return id;
}

/** Somebody who owns a tenant and is a member of another one. */
export async function inTwoTenants(app: TestApp) {
  const [person, other] = [await registerOwner(app), await registerOwner(app)];
  return { person, other, memberId: await addMembership(app, person, other.tenantId) };
}

/** A log-in by password that names no tenant, unless it does. */
export function enter(app: TestApp, email: string, tenant?: string) {
  return app.call("POST /v1/auth/login", { json: { email, password: PASSWORD, tenant } });
}

export function select(app: TestApp, selectionToken: string, tenantId: string) {
  return app.call("POST /v1/auth/select-tenant", { json: { selectionToken, tenantId } });
}
