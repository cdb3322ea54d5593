/** What the database lets the server's login write of other tenants, whatever its code forgets: nothing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { fillTenant } from "../isolation/fill-tenant.ts";
import {
  createMember,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { type Row, scopedWrites } from "../support/scoped-writes.ts";

/** A foreign key between two tables that carry tenant_id. */
type Link = { child: string; column: string; parent: string };

/** Held by triggers: there is no such key to a list, nor to "this tenant's or everybody's". */
const BY_TRIGGER = [
  // Nobody but the trigger may write the table.
  "user_search.user_id",
  "invitations.invited_by",
  "invitations.role_ids",
  "session_users.session_id",
  "users.account_id",
];
/** Who wrote something, and what a log speaks of: nothing is decided by them. migrations-sql/092_tenant_keys.sql. */
const HISTORY =
  /^(audit_log|audit_seals)\.|\.(created_by|updated_by|granted_by|accepted_by|bound_to)$/;
/** Rows without a tenant that every tenant may name. */
const SHARED = ["user_roles.role_id"];
const FOREIGN_KEY = "23503";

let app: TestApp;
let client: pg.Client;
let ours: Awaited<ReturnType<typeof registerOwner>>;
let theirs: typeof ours;
let links: Link[];
const { superuser, attempt, insert, update, rowOf, fresh, bareParent } = scopedWrites(() => ({
  pool: app.deps.pool,
  client,
}));

beforeAll(async () => {
  app = await createTestApp();
  [ours, theirs] = [await registerOwner(app), await registerOwner(app)];
  for (const owner of [ours, theirs]) await fillTenant(app, owner);
  await createSuperAdmin(app);
  client = new pg.Client({ connectionString: app.database.appUrl });
  await client.connect();
  links = await superuser<Link>(`
    SELECT DISTINCT child.relname AS child, attname AS column, parent.relname AS parent
    FROM pg_constraint
      JOIN pg_class AS child ON child.oid = conrelid
      JOIN pg_class AS parent ON parent.oid = confrelid
      JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) AND attname <> 'tenant_id'
    WHERE contype = 'f' AND child.relname <> 'user_search' AND 2 = (
      SELECT count(DISTINCT attrelid) FROM pg_attribute
      WHERE attrelid IN (conrelid, confrelid) AND attname = 'tenant_id')
    ORDER BY child, "column"`);
});
afterAll(async () => {
  await client.end();
  await app.close();
});

test("R60: in a tenant's scope no row names a row of another tenant, by any key that there is", async () => {
  expect(links.length).toBeGreaterThanOrEqual(7);
  for (const { child, column, parent } of links) {
    const row = await rowOf(child, ours.tenantId);
    const change = { [column]: await bareParent(parent, theirs.tenantId) };
    const made = { ...(await fresh(child, row)), ...change };
    const name = `${child}.${column}`;
    expect([name, await insert(ours.tenantId, child, made)]).toEqual([name, FOREIGN_KEY]);
    expect([name, await update(ours.tenantId, child, row, change)]).toEqual([name, FOREIGN_KEY]);
  }
});

test("R60: in a tenant's scope no row names a row of the platform, but for a user's system role", async () => {
  for (const { child, column, parent } of links) {
    const row = await rowOf(child, ours.tenantId);
    const change = { [column]: await bareParent(parent, null) };
    const made = { ...(await fresh(child, row)), ...change };
    const name = `${child}.${column}`;
    const answer = SHARED.includes(name) ? "accepted" : FOREIGN_KEY;
    expect([name, await insert(ours.tenantId, child, made)]).toEqual([name, answer]);
    expect([name, await update(ours.tenantId, child, row, change)]).toEqual([name, answer]);
  }
});

test("R60: in the platform's scope too a row has the tenant of what it names", async () => {
  for (const { child, column, parent } of links) {
    const row = await rowOf(child, ours.tenantId);
    const made = {
      ...(await fresh(child, row)),
      [column]: await bareParent(parent, ours.tenantId),
    };
    const name = `${child}.${column}`;
    // A session speaks for users of its own account, so not for just anybody of the tenant.
    const answer = name === "session_users.user_id" ? FOREIGN_KEY : "accepted";
    expect([name, await insert("platform", child, made)]).toEqual([name, answer]);
    for (const tenantId of [null, theirs.tenantId]) {
      const change = { tenant_id: tenantId };
      const answers = [
        await insert("platform", child, { ...made, ...change }),
        await update("platform", child, row, change),
      ];
      expect([name, tenantId, answers]).toEqual([name, tenantId, [FOREIGN_KEY, FOREIGN_KEY]]);
    }
  }
});

test("R60: every id in a table with a tenant is held by a key or a trigger, or is known to decide nothing", async () => {
  const found = await superuser<{ name: string }>(`
    SELECT relname || '.' || attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
      AND atttypid IN ('uuid'::regtype, 'uuid[]'::regtype) AND attname NOT IN ('id', 'tenant_id', 'email_scope')
      AND EXISTS (SELECT FROM pg_attribute AS own WHERE own.attrelid = pg_class.oid AND own.attname = 'tenant_id')`);
  const held = [...links.map(({ child, column }) => `${child}.${column}`), ...BY_TRIGGER];
  const open = found.map(({ name }) => name).filter((name) => !held.includes(name));
  expect(open.filter((name) => !HISTORY.test(name) && name !== "passkeys.aaguid")).toEqual([]);
});

test("R60: a tenant gives the system role member no permission", async () => {
  for (const tenant_id of [ours.tenantId, null]) {
    const row = { role_id: SYSTEM_ROLES.member, permission_key: "user:delete", tenant_id };
    const answer = await insert(ours.tenantId, "role_permissions", row);
    expect(answer).toBe(tenant_id === null ? "42501" : FOREIGN_KEY);
  }
  const system = await rowOf("role_permissions", null);
  const change = { permission_key: "user:delete" };
  expect(await update(ours.tenantId, "role_permissions", system, change)).toBe("nothing to write");
  const gone = "DELETE FROM role_permissions WHERE tenant_id IS NULL";
  expect(await attempt(ours.tenantId, gone, [])).toBe("nothing to write");
});

test("R60: a tenant's user gets no role of another tenant", async () => {
  const { id: role_id } = await rowOf("roles", theirs.tenantId);
  const row = { user_id: ours.id, role_id, tenant_id: ours.tenantId, created_at: new Date() };
  expect(await insert(ours.tenantId, "user_roles", row)).toBe(FOREIGN_KEY);
  expect(await insert("platform", "user_roles", row)).toBe(FOREIGN_KEY);
});

test("R60: a tenant makes no API key for a user of another tenant, and moves none over", async () => {
  const key = await rowOf("api_keys", ours.tenantId);
  const made = { ...(await fresh("api_keys", key)), user_id: theirs.id };
  expect(await insert(ours.tenantId, "api_keys", made)).toBe(FOREIGN_KEY);
  expect(await update(ours.tenantId, "api_keys", key, { user_id: theirs.id })).toBe(FOREIGN_KEY);
});

test("R60: an invitation gives roles of its own tenant, in the name of its own people or the platform's", async () => {
  const member = await createMember(app, ours);
  const invitation = { ...(await rowOf("invitations", ours.tenantId)), invited_by: member.id };
  const { id: role } = await rowOf("roles", theirs.tenantId);
  const admin = await createSuperAdmin(app);
  const tries: [string, Row, string][] = [
    [ours.tenantId, {}, "accepted"],
    [ours.tenantId, { role_ids: [SYSTEM_ROLES.member] }, "accepted"],
    [ours.tenantId, { role_ids: [SYSTEM_ROLES.member, role] }, FOREIGN_KEY],
    [ours.tenantId, { role_ids: [newId()] }, FOREIGN_KEY],
    [ours.tenantId, { invited_by: theirs.id }, FOREIGN_KEY],
    ["platform", { role_ids: [role] }, FOREIGN_KEY],
    ["platform", { invited_by: theirs.id }, FOREIGN_KEY],
    ["platform", { invited_by: admin.id }, "accepted"],
  ];
  for (const [scope, change, answer] of tries) {
    const made = { ...(await fresh("invitations", invitation)), ...change };
    expect([change, await insert(scope, "invitations", made)]).toEqual([change, answer]);
    const row = await rowOf("invitations", ours.tenantId);
    if (Object.keys(change).length > 0)
      expect([change, await update(scope, "invitations", row, change)]).toEqual([change, answer]);
  }
});

test("R60: who acts in a user's name is a platform account", async () => {
  const [{ row: session } = { row: {} }] = await superuser<{ row: Row }>(
    "SELECT to_jsonb(sessions) AS row FROM sessions WHERE account_id = $1 LIMIT 1",
    [ours.id],
  );
  const admin = await createSuperAdmin(app);
  for (const [scope, impersonator_id, answer] of [
    ["platform", ours.id, FOREIGN_KEY],
    ["platform", theirs.id, FOREIGN_KEY],
    ["platform", admin.id, "accepted"],
  ] as const) {
    const made = { ...(await fresh("sessions", session)), impersonator_id };
    expect(await insert(scope, "sessions", made)).toBe(answer);
    expect(await update(scope, "sessions", session, { impersonator_id })).toBe(answer);
  }
});

test("R60: nobody moves between a tenant and the platform, and a role moves nowhere", async () => {
  const role = await rowOf("roles", ours.tenantId);
  const system = await rowOf("roles", null);
  const user = await rowOf("users", ours.tenantId);
  const admin = await rowOf("users", null);
  for (const [table, row, tenant_id] of [
    ["roles", role, null],
    ["roles", role, theirs.tenantId],
    ["roles", system, ours.tenantId],
    ["users", user, null],
    ["users", admin, ours.tenantId],
  ] as const)
    expect(await update("platform", table, row, { tenant_id })).toBe(FOREIGN_KEY);
});

test("R60: nobody moves from tenant to tenant: an account has a user in each", async () => {
  const member = await createMember(app, ours);
  const moved = "UPDATE users SET tenant_id = $2 WHERE id = $1";
  for (const to of [theirs.tenantId, null])
    expect(await attempt("platform", moved, [member.id, to])).toBe(FOREIGN_KEY);
});

test("R60, R77: a tenant gives its users no account but of its own pool, and a session speaks for its own account's alone", async () => {
  const member = await createMember(app, ours);
  const taken = "UPDATE users SET account_id = $2 WHERE id = $1";
  // Of another tenant's pool, and a shared one of which nothing is seen.
  const others = await createMember(app, theirs);
  expect(await attempt("platform", taken, [member.id, others.id])).toBe(FOREIGN_KEY);
  expect(await attempt(ours.tenantId, taken, [member.id, theirs.id])).toBe(FOREIGN_KEY);
  const { session_id } = await rowOf("session_users", ours.tenantId);
  const spoken = { session_id, user_id: others.id, tenant_id: theirs.tenantId };
  const now = { last_used_at: new Date(), created_at: new Date() };
  for (const scope of [theirs.tenantId, "platform"])
    expect(await insert(scope, "session_users", { ...spoken, ...now })).toBe(FOREIGN_KEY);
});
