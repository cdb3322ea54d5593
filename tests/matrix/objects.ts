/** What paths name: how one is made in a tenant. */
import { newId } from "../../src/db/id.ts";
import { type Account, randomName } from "../support/app.ts";
import { enrolPasskey } from "../support/factors.ts";
import { type House, makeKey, makeSession, must, type World } from "./houses.ts";

/** `id` is `first/second` for a path with two. */
export type Made = { id: string; slug?: string; email?: string };

type Maker = (world: World, house: House, whose: Account) => Promise<Made>;

const MAKERS = {
  user: (world, house) => makeUser(world, house),
  async deletedUser(world, house) {
    const user = await makeUser(world, house);
    await must(world.app, 204, `DELETE /v1/users/${user.id}`, house.owner.accessToken);
    return user;
  },
  async userSession(world, house) {
    const { id } = await makeUser(world, house);
    return { id: `${id}/${await makeSession(world.app, { id, tenantId: house.tenantId })}` };
  },
  ownSession: async ({ app }, _, whose) => ({ id: await makeSession(app, whose) }),
  ownPasskey: ({ app }, _, whose) => enrolPasskey(app, whose),
  async role({ app }, { owner }) {
    const json = { name: randomName(), permissions: [] };
    return must(app, 201, "POST /v1/roles", owner.accessToken, json);
  },
  async serviceAccount({ app }, { owner }) {
    const json = { name: "Made", roles: [] };
    return must(app, 201, "POST /v1/service-accounts", owner.accessToken, json);
  },
  async invitation({ app }, { owner, slug }) {
    const json = { email: `${randomName()}@${slug}.example` };
    return must(app, 201, "POST /v1/invitations", owner.accessToken, json);
  },
  async apiKey(world, house) {
    const { id: userId } = await makeUser(world, house);
    const id = newId();
    await makeKey(world.app, { userId, tenantId: house.tenantId }, ["user:read"], id);
    return { id };
  },
  /** The caller's own. */
  tenant: async (_, { tenantId, slug }) => ({ id: tenantId, slug }),
  newTenant: (world) => makeTenant(world),
  async deletedTenant(world) {
    const tenant = await makeTenant(world);
    await must(world.app, 204, `DELETE /v1/tenants/${tenant.id}`, world.root.accessToken);
    return tenant;
  },
} satisfies Record<string, Maker>;

export type Kind = keyof typeof MAKERS;

/** One in this tenant, or of this account where it is an account's own. */
export async function make(
  world: World,
  { id: kind }: { id?: Kind },
  house: House,
  whose: Account,
): Promise<Made> {
  const maker: Maker | undefined = kind && MAKERS[kind];
  return maker ? maker(world, house, whose) : { id: "" };
}

/** The same of the account itself, where there is such a thing: the id that a stale log-in asks for. */
export async function makeOwn(
  world: World,
  row: { id?: Kind; fresh?: true; endsTenant?: true },
  house: House,
  { id, email }: Account,
): Promise<Made | null> {
  const { tenantId } = house;
  if (row.id === "user") return { id, email };
  if (row.id === "userSession")
    return { id: `${id}/${await makeSession(world.app, { id, tenantId })}` };
  // The tenant that one belongs to: it does not come to deleting it.
  if (row.endsTenant) return { id: tenantId };
  if (row.id !== "apiKey") return null;
  const keyId = newId();
  await makeKey(world.app, { userId: id, tenantId }, ["user:read"], keyId);
  return { id: keyId };
}

export function isOwn(kind: Kind): boolean {
  return kind === "ownSession" || kind === "ownPasskey";
}

async function makeUser({ app }: World, { owner, slug }: House): Promise<Made> {
  const json = { email: `${randomName()}@${slug}.example`, roles: [] };
  return must(app, 201, "POST /v1/users", owner.accessToken, json);
}

async function makeTenant({ app, root }: World): Promise<Made> {
  const slug = randomName();
  return must(app, 201, "POST /v1/tenants", root.accessToken, { name: slug, slug });
}
