/** Clients of the hammer who have one account in both tenants, and go to and fro between them in one session. */
import type pg from "pg";
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";

const PASSWORD = "correct horse battery staple";

export type Tenant = { id: string; domain: string; token: string };
/** Who they are in each tenant, by its id. */
export type Person = { email: string; users: Record<string, string> };
type Answer = { status: number; body: Record<string, unknown> };

type Hammer = {
  call(method: string, path: string, token?: string, json?: unknown): Promise<Answer>;
  look(own: Tenant, other: Tenant, answer: Answer): void;
  leaks: string[];
  tenants: [Tenant, Tenant];
  until: number;
};

/** In the database: two hundred invitations would be another test. Their names tell each tenant apart. */
export async function makePeople(
  client: pg.Client,
  tenants: [Tenant, Tenant],
  count: number,
): Promise<Person[]> {
  const people: Person[] = [];
  for (let n = 0; n < count; n += 1) {
    const [accountId, email] = [newId(), `person${n}@people.example`];
    await client.query(
      `INSERT INTO accounts (id, email, password_hash, password_origin, email_verified_at)
       SELECT $1, $2, password_hash, 'own', now() FROM accounts WHERE email = 'owner@alpha.example'`,
      [accountId, email],
    );
    const users: Person["users"] = {};
    for (const { id: tenantId, domain } of tenants) {
      const id = newId();
      users[tenantId] = id;
      await client.query(
        "INSERT INTO users (id, account_id, tenant_id, email, first_name) VALUES ($1, $2, $3, $4, $5)",
        [id, accountId, tenantId, email, `Known to ${domain}`],
      );
      await client.query(
        "INSERT INTO user_roles (user_id, role_id, tenant_id) VALUES ($1, $2, $3)",
        [id, SYSTEM_ROLES.member, tenantId],
      );
    }
    people.push({ email, users });
  }
  return people;
}

/** Two tabs, each with the newest token of its tenant, and one refresh token for both. */
export async function workAsPerson(
  { call, look, leaks, tenants, until }: Hammer,
  { email, users }: Person,
): Promise<void> {
  const tabs = new Map<string, string>();
  let refreshToken = "";
  const enter = async (own: Tenant): Promise<void> => {
    const slug = own.domain.split(".")[0];
    const answer = refreshToken
      ? await call("POST", "/v1/auth/refresh", undefined, { refreshToken, tenantId: own.id })
      : await call("POST", "/v1/auth/login", undefined, {
          email,
          password: PASSWORD,
          tenant: slug,
        });
    if (answer.status === 200) {
      tabs.set(own.id, String(answer.body.accessToken));
      refreshToken = String(answer.body.refreshToken);
      expectSpeaksFor(own, answer.body.user);
      return;
    }
    // An owner has ended what the session may do there, or all of it: the other tab may go on.
    tabs.delete(own.id);
    if (answer.status !== 404) refreshToken = "";
    if (answer.status === 404) await logInAnew(own);
  };
  const logInAnew = async (own: Tenant): Promise<void> => {
    refreshToken = "";
    await enter(own);
  };
  const expectSpeaksFor = (own: Tenant, user: unknown): void => {
    const { id, tenantId } = (user ?? {}) as { id?: string; tenantId?: string };
    if (id !== users[own.id] || tenantId !== own.id)
      leaks.push(`${email} asked for ${own.domain} and is ${id} of ${tenantId}`);
  };
  while (Date.now() < until) {
    const [own, other] = (Math.random() < 0.5 ? tenants : tenants.toReversed()) as [Tenant, Tenant];
    if (!tabs.has(own.id) || Math.random() < 0.3) await enter(own);
    const token = tabs.get(own.id);
    if (token === undefined) continue;
    const me = await call("GET", "/v1/auth/me", token);
    look(own, other, me);
    if (me.status !== 200) {
      tabs.delete(own.id);
      continue;
    }
    expectSpeaksFor(own, me.body.user);
    look(own, other, await call("GET", "/v1/users?limit=50", token));
    const phone = `${own.domain.startsWith("alpha") ? "+4930" : "+4940"}${Math.floor(Math.random() * 1e6) + 1e6}`;
    look(own, other, await call("PATCH", "/v1/auth/me/profile", token, { phone }));
    look(own, other, await call("GET", "/v1/auth/me/profile", token));
    const { body } = await call("GET", "/v1/auth/me/tenants", token);
    const count = (body.items as unknown[] | undefined)?.length ?? 2;
    if (count !== 2) leaks.push(`${email} has ${count} tenants`);
  }
}
