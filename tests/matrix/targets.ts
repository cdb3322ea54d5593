/** People whom operations are tried on, with all that an account has, and what the database holds of them. */
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { type Account, randomName, type TestApp } from "../support/app.ts";
import type { House, World } from "./houses.ts";

/**
 * Where the account of a target is: in the pool that all tenants share, with a user in another tenant or without; in the
 * pool of our tenant, which keeps its own; or there until its person proves the address, who has a shared account with the
 * same address that is in the other tenant.
 */
export const STANDINGS = ["shared", "alone", "own", "provisional"] as const;
export type Standing = (typeof STANDINGS)[number];

export type Target = {
  /** The user in our tenant. */
  id: string;
  email: string;
  /** What our tenant acts on; of `provisional` the shared account is the other one. */
  accountId: string;
  /** What our tenant must leave alone: the account that is (or has a user) in the other tenant too. */
  sharedId: string | null;
  /** That account's user in the other tenant. */
  there: string | null;
  /** The session that speaks for the user here, and for the one there, if there is one. */
  sessionId: string;
};

/** Where the sessions of a target were used in the other tenant: nothing that ours may read. */
export const THERE = { ip: "198.51.100.77", deviceName: "Laptop of the other house" };

export async function makeTarget(
  { app, ours, other }: World,
  standing: Standing,
  { isDeleted = false } = {},
): Promise<Target> {
  const email = `${randomName()}@people.example`;
  const isShared = standing === "shared" || standing === "provisional";
  const there = isShared ? newId() : null;
  const id = newId();
  const sharedId = there;
  const accountId = standing === "shared" && there ? there : id;
  // An account has the id of its first user.
  if (there) await makeAccount(app, { id: there, email, poolId: null }, other);
  if (accountId === id) {
    const poolId = standing === "alone" ? null : ours.tenantId;
    await makeAccount(app, { id, email, poolId }, ours);
  }
  if (there) await makeUser(app, { id: there, accountId: there, email }, other);
  await makeUser(app, { id, accountId, email }, ours);
  const speaks = [{ userId: id, tenantId: ours.tenantId, ip: "192.0.2.7" }];
  const speaksThere = { userId: there ?? "", tenantId: other.tenantId, ip: THERE.ip };
  if (accountId === there) speaks.push(speaksThere);
  const sessionId = await makeSession(app, accountId, speaks, { deviceName: "Telephone" });
  if (there) await makeSession(app, there, [speaksThere], THERE);
  if (isDeleted) {
    const data = { isDeleted: true, deletedAt: new Date() };
    await app.deps.db.user.update({ where: { id }, data });
  }
  return { id, email, accountId, sharedId, there, sessionId };
}

type Row = { id: string; email: string; poolId: string | null };

async function makeAccount({ deps }: TestApp, row: Row, { passwordHash }: House): Promise<void> {
  const isProved = row.poolId === null;
  const data = {
    ...row,
    passwordHash,
    ...(isProved && { passwordOrigin: "own" as const, emailVerifiedAt: new Date() }),
  };
  await deps.db.account.create({ data });
  const accountId = row.id;
  await deps.db.totpFactor.create({
    data: { id: newId(), accountId, secret: bytes(accountId), confirmedAt: new Date() },
  });
  await deps.db.recoveryCode.create({ data: { id: newId(), accountId, codeHash: hash(newId()) } });
  await deps.db.passkey.create({
    data: {
      ...{ id: newId(), accountId, name: "Key", credentialId: bytes(newId()) },
      ...{ publicKey: bytes("x"), userHandle: bytes(accountId) },
      ...{ backupEligible: false, backedUp: false },
    },
  });
}

async function makeUser(
  { deps }: TestApp,
  { id, accountId, email }: { id: string; accountId: string; email: string },
  { tenantId }: House,
): Promise<void> {
  const roles = { create: { roleId: SYSTEM_ROLES.member, tenantId } };
  const profile = { create: { tenantId, language: "en" } };
  await deps.db.user.create({ data: { id, tenantId, accountId, email, roles, profile } });
}

async function makeSession(
  { deps }: TestApp,
  accountId: string,
  speaks: { userId: string; tenantId: string; ip: string }[],
  device: { ip?: string; deviceName: string },
): Promise<string> {
  const id = newId();
  const expiresAt = new Date(Date.now() + 3600_000);
  const refreshTokens = { create: { id: newId(), tokenHash: hash(id), expiresAt } };
  await deps.db.session.create({
    data: {
      ...{ id, accountId, amr: ["pwd"], idleExpiresAt: expiresAt, expiresAt, ...device },
      ...{ users: { create: speaks }, refreshTokens },
    },
  });
  return id;
}

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const hash = (text: string) =>
  Uint8Array.from(new Bun.CryptoHasher("sha256").update(text).digest());

/** An account in both tenants that may do in each what its roles say; logged in here, or there. */
export async function makeCaller(
  { app, ours, other }: World,
  roles: { here: string; there: string },
  where: "here" | "there",
): Promise<Account> {
  const email = `${randomName()}@people.example`;
  const [id, there] = [newId(), newId()];
  const { passwordHash } = ours;
  await app.deps.db.account.create({ data: { id, email, passwordHash } });
  for (const [userId, house, roleId] of [
    [id, ours, roles.here],
    [there, other, roles.there],
  ] as const) {
    const { tenantId } = house;
    const data = { id: userId, accountId: id, tenantId, email };
    await app.deps.db.user.create({ data: { ...data, roles: { create: { roleId, tenantId } } } });
  }
  const speaks = [
    { userId: id, tenantId: ours.tenantId, ip: "192.0.2.8" },
    { userId: there, tenantId: other.tenantId, ip: "192.0.2.8" },
  ];
  const sessionId = await makeSession(app, id, speaks, { deviceName: "Desk" });
  const [userId, tenantId] = where === "here" ? [id, ours.tenantId] : [there, other.tenantId];
  const authenticatedAt = Math.floor(Date.now() / 1000);
  const claims = { userId, tenantId, sessionId, amr: ["pwd"], authenticatedAt };
  const { token } = await app.deps.accessTokens.sign(claims);
  return { id: userId, tenantId, email, accessToken: token, refreshToken: "" };
}

/**
 * What of a person may change: the account's own row, its factors, its sessions; who they are in the other tenant, that
 * tenant's log, and the platform's.
 */
export const PARTS = ["account", "factors", "sessions", "there", "log there", "platform"] as const;
export type Part = (typeof PARTS)[number];
type Snapshot = Record<Part, string>;

/** Reads the database as a superuser. @param tenantId the other tenant. */
export async function snapshot(
  { deps }: TestApp,
  accountId: string,
  tenantId: string,
): Promise<Snapshot> {
  const all = (table: string, where: string) =>
    `(SELECT jsonb_agg(to_jsonb(${table}) - 'updated_at' ORDER BY ${table}::text) FROM ${table} WHERE ${where})`;
  const there = [
    ...["users", "user_roles", "user_profiles", "session_users", "one_time_tokens", "api_keys"],
    ...["invitations", "idempotency_keys", "roles", "role_permissions"],
  ];
  const ofAccount = "account_id = $1::uuid";
  const ofSession = `session_id IN (SELECT id FROM sessions WHERE ${ofAccount})`;
  const { rows } = await deps.pool.query<{ part: Part; held: string }>(
    `SELECT 'account' AS part, ${all("accounts", "id = $1::uuid")}::text AS held
     UNION ALL SELECT 'factors', concat(${["totp_factors", "recovery_codes", "passkeys"].map((table) => all(table, ofAccount)).join()})
     UNION ALL SELECT 'sessions', concat(${all("sessions", ofAccount)}, ${all("refresh_tokens", ofSession)})
     UNION ALL SELECT 'there', concat(${there.map((table) => all(table, "tenant_id = $2::uuid")).join()})
     UNION ALL SELECT 'log there', concat(${all("audit_log", "tenant_id = $2::uuid")})
     UNION ALL SELECT 'platform', concat(${all("audit_log", "tenant_id IS NULL")})`,
    [accountId, tenantId],
  );
  return Object.fromEntries(rows.map(({ part, held }) => [part, held])) as Snapshot;
}

export function changedParts(before: Snapshot, after: Snapshot): Part[] {
  return PARTS.filter((part) => before[part] !== after[part]);
}
