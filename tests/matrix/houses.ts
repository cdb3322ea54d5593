/** Tenants with one account for each of the callers, and the callers who belong to none. */
import { newApiKey } from "../../src/crypto/api-key.ts";
import { newId } from "../../src/db/id.ts";
import {
  PERMISSIONS,
  type PermissionKey,
  SYSTEM_ROLES,
  TENANT_PERMISSIONS,
} from "../../src/roles/permissions.ts";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { ageLogIn } from "../support/stale.ts";
import { type Access, type Caller, isPermission } from "./callers.ts";

type Seat = "without" | "with" | "admin";

export type House = {
  tenantId: string;
  slug: string;
  /** Of everybody who is made past the API: to work out one for each would take longer than all else. */
  passwordHash: string;
  owner: Account;
  /** Whose things the others ask for. */
  bystander: Account;
  /** For who logs in as somebody. */
  spare: Account;
  roles: Record<Seat, string>;
  seats: Record<Seat, Account>;
  keys: { keyWith: string; keyWithout: string };
  /** The service account of the keys: it may do everything. */
  machine: string;
};

type Place = { tenantId: string | null; slug: string; passwordHash: string };

/** `ours` and `other` are two tenants that know nothing of each other. */
export type World = { app: TestApp; ours: House; other: House; root: Account; gone: Gone };
type Gone = Record<"suspended" | "deleted" | "disabled", string>;

export async function makeWorld(app: TestApp): Promise<World> {
  const ours = await makeHouse(app);
  const other = await makeHouse(app);
  const root = await createSuperAdmin(app);
  return { app, ours, other, root, gone: await makeGone(app, ours, root) };
}

export async function makeHouse(app: TestApp): Promise<House> {
  const owner = await registerOwner(app);
  const { tenantId, slug, accessToken: token } = owner;
  // Who is made without roles gets none that its maker would have to hold.
  await must(app, 201, "POST /v1/roles", token, { name: "newcomer", permissions: [] });
  const settings = { defaultRole: "newcomer" };
  await must(app, 200, `PATCH /v1/tenants/${tenantId}`, token, { settings });
  const place = { tenantId, slug, passwordHash: await app.deps.passwords.hash(PASSWORD) };
  const roles = {
    without: await makeRole(app, tenantId),
    with: await makeRole(app, tenantId),
    admin: SYSTEM_ROLES.admin,
  };
  const everything = await makeRole(app, tenantId);
  await setPermissions(app, tenantId, everything, PERMISSIONS);
  return {
    ...place,
    owner,
    roles,
    bystander: await makeAccount(app, place, []),
    spare: await makeAccount(app, place, []),
    seats: {
      without: await makeAccount(app, place, [roles.without]),
      with: await makeAccount(app, place, [roles.with]),
      admin: await makeAccount(app, place, [roles.admin]),
    },
    keys: { keyWith: "", keyWithout: "" },
    machine: await makeMachine(app, tenantId, everything),
  };
}

/**
 * Gives the callers of a tenant what they hold for this row. Where it asks for no permission, one of them holds
 * everything and one nothing.
 */
export async function equip(app: TestApp, house: House, access: Access): Promise<void> {
  const { tenantId, roles, machine } = house;
  const one = isPermission(access);
  const granted = one ? [access] : TENANT_PERMISSIONS;
  const rest = one ? TENANT_PERMISSIONS.filter((key) => key !== access) : [];
  await setPermissions(app, tenantId, roles.with, granted);
  await setPermissions(app, tenantId, roles.without, rest);
  house.keys = {
    keyWith: await makeKey(app, { userId: machine, tenantId }, granted),
    // A key has a scope at least.
    keyWithout: await makeKey(app, { userId: machine, tenantId }, one ? rest : ["user:read"]),
  };
}

/** Somebody new with the same rights: what they do to their own account or session disturbs nobody. */
export function makeTwin(app: TestApp, house: House, seat: Seat): Promise<Account> {
  return makeAccount(app, house, [house.roles[seat]]);
}

export function seatOf(caller: Caller): Seat | null {
  if (caller === "foreign") return "admin";
  if (caller === "stale") return "with";
  return caller === "without" || caller === "with" || caller === "admin" ? caller : null;
}

/** As `makeTwin`, with a log-in of yesterday. */
export async function makeStale(app: TestApp, house: House): Promise<Account> {
  return ageLogIn(app, await makeTwin(app, house, "with"));
}

/** A super admin as new as a twin. */
export function makeRoot(app: TestApp, { passwordHash }: House): Promise<Account> {
  const platform = { tenantId: null, slug: "platform", passwordHash };
  return makeAccount(app, platform, [SYSTEM_ROLES.super_admin]);
}

/** As the operator of an installation could, in the database: past what a tenant may give, and without a log-in. */
async function makeAccount(
  app: TestApp,
  { tenantId, slug, passwordHash }: Place,
  roleIds: string[],
): Promise<Account> {
  const email = `${randomName()}@${slug}.example`;
  const roles = { create: roleIds.map((roleId) => ({ roleId, tenantId })) };
  const id = newId();
  await app.deps.db.account.create({ data: { id, email, passwordHash } });
  await app.deps.db.user.create({ data: { id, accountId: id, tenantId, email, roles } });
  const { token } = await app.deps.accessTokens.sign({
    userId: id,
    tenantId,
    sessionId: await makeSession(app, { id, tenantId }),
    amr: ["pwd"],
    authenticatedAt: Math.floor(Date.now() / 1000),
  });
  return { id, tenantId, email, accessToken: token, refreshToken: "" };
}

/** Answers its id. */
export async function makeSession(
  { deps }: TestApp,
  { id: userId, tenantId }: Pick<Account, "id" | "tenantId">,
): Promise<string> {
  const id = newId();
  const expiresAt = new Date(Date.now() + 3600_000);
  const { accountId } = await deps.db.user.findUniqueOrThrow({ where: { id: userId } });
  if (accountId === null) throw new Error("a machine has no session");
  await deps.db.session.create({
    data: {
      ...{ id, accountId, amr: ["pwd"], idleExpiresAt: expiresAt, expiresAt },
      users: { create: { userId, tenantId } },
    },
  });
  return id;
}

async function makeRole({ deps }: TestApp, tenantId: string): Promise<string> {
  const id = newId();
  await deps.db.role.create({ data: { id, tenantId, name: randomName() } });
  return id;
}

async function setPermissions(
  { deps }: TestApp,
  tenantId: string,
  roleId: string,
  keys: readonly PermissionKey[],
): Promise<void> {
  await deps.db.rolePermission.deleteMany({ where: { roleId } });
  const data = keys.map((permissionKey) => ({ roleId, tenantId, permissionKey }));
  await deps.db.rolePermission.createMany({ data });
  deps.grants.forget();
}

async function makeMachine({ deps }: TestApp, tenantId: string, roleId: string): Promise<string> {
  const id = newId();
  const roles = { create: { roleId, tenantId } };
  const email = `${id}@service.invalid`;
  await deps.db.user.create({
    data: { id, tenantId, kind: "service", email, firstName: "Machine", roles },
  });
  return id;
}

export async function makeKey(
  { deps }: TestApp,
  user: { userId: string; tenantId: string },
  scopes: readonly PermissionKey[],
  id = newId(),
): Promise<string> {
  const { key, prefix, hash } = newApiKey();
  const keyHash = Uint8Array.from(hash);
  await deps.db.apiKey.create({
    data: { id, ...user, name: "Test", prefix, keyHash, scopes: [...scopes] },
  });
  return key;
}

async function makeGone(app: TestApp, ours: House, root: Account): Promise<Gone> {
  const suspended = await registerOwner(app);
  const [deleted, disabled] = [
    await makeTwin(app, ours, "admin"),
    await makeTwin(app, ours, "admin"),
  ];
  const { accessToken: token } = ours.owner;
  await must(app, 200, `POST /v1/tenants/${suspended.tenantId}/suspend`, root.accessToken);
  await must(app, 204, `DELETE /v1/users/${deleted.id}`, token);
  await must(app, 200, `PATCH /v1/users/${disabled.id}`, token, { status: "disabled" });
  return {
    suspended: suspended.accessToken,
    deleted: deleted.accessToken,
    disabled: disabled.accessToken,
  };
}

/** Calls, and answers the body. @throws Error for another status. */
export async function must(
  app: TestApp,
  status: number,
  route: string,
  token: string,
  json?: unknown,
) {
  const answer = await app.call(route, { token, ...(json !== undefined && { json }) });
  if (answer.status !== status)
    throw new Error(`${route} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
