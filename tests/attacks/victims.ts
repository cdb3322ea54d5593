/** Somebody whose account the owner of another tenant goes for, and what is left of it afterwards. */
import { newId } from "../../src/db/id.ts";
import { changedParts, type Part, snapshot } from "../matrix/targets.ts";
import {
  type Account,
  PASSWORD,
  proveAddress,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { joinTenant, type Owner } from "../support/memberships.ts";

export type Victim = {
  /** Who they are in their own tenant, with a session there alone. */
  home: Owner;
  accountId: string;
};

/** Somebody with a tenant and a proved address. */
export async function makeVictim(app: TestApp): Promise<Victim> {
  const home = await registerOwner(app);
  await proveAddress(app, home);
  return { home, accountId: home.id };
}

/** The same with an authenticator app, who has joined that tenant too: `there`, by another log-in. */
export async function makeShared(app: TestApp, owner: Owner): Promise<Victim & { there: Account }> {
  const victim = await makeVictim(app);
  const { email, id, tenantId } = victim.home;
  const { body } = await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
  const there = await joinTenant(app, { email, id, tenantId, ...body }, owner);
  // Past the API: enrolling one ends all sessions but its own.
  const factor = { accountId: id, secret: new Uint8Array(32), confirmedAt: new Date() };
  await app.deps.db.totpFactor.create({ data: { id: newId(), ...factor } });
  return { ...victim, there };
}

/** What changes of the account, and in its home, while somebody is at work. */
export async function changesBy(
  app: TestApp,
  { accountId, home }: Victim,
  work: () => Promise<unknown>,
): Promise<Part[]> {
  const before = await snapshot(app, accountId, home.tenantId);
  await work();
  return changedParts(before, await snapshot(app, accountId, home.tenantId));
}

/** The ids in an answer that would tell of the home, or of who the person is there. */
export function toldOf({ home, accountId }: Victim, body: unknown): string[] {
  const said = JSON.stringify(body);
  return [home.tenantId, accountId].filter((id) => said.includes(id));
}

export async function isIn(app: TestApp, { accessToken }: Pick<Account, "accessToken">) {
  return (await app.call("GET /v1/auth/me", { token: accessToken })).status === 200;
}
