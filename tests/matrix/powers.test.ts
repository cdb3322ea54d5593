/**
 * The matrix once more, with two axes: where the account of a person is (shared or a tenant's own, by EMAIL_SCOPE and by the
 * setting `userPool`), and who asks, in one tenant or in two. What must not change is read from the database.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Document, routes } from "../http/document.ts";
import { createTestApp } from "../support/app.ts";
import { equip, type House, makeWorld, type World } from "./houses.ts";
import { POWERS, type Power } from "./powers.ts";
import {
  changedParts,
  makeCaller,
  makeTarget,
  type Part,
  type Standing,
  snapshot,
  type Target,
  THERE,
} from "./targets.ts";

setDefaultTimeout(60_000);

/** Who asks, and with which token. */
type Asking = { name: string; token: string; refused?: number; isRoot?: true };

const POOLS = [
  { emailScope: "global", userPool: "", standings: ["shared", "alone", "provisional"] },
  { emailScope: "global", userPool: "isolated", standings: ["own"] },
  { emailScope: "tenant", userPool: "", standings: ["own"] },
  { emailScope: "tenant", userPool: "shared", standings: ["shared"] },
] as const;

test("R77: every operation on a user of a tenant says what it may change of their account", async () => {
  const app = await createTestApp();
  const document: Document = (await app.call("GET /openapi.json")).body;
  await app.close();
  const names = routes(document)
    .map(({ name }) => name)
    .filter((name) => name.includes("/v1/users/{id}"));
  const said = Object.keys(POWERS).map((name) => routeOf(name));
  expect([...new Set(said)].sort()).toEqual(names.sort());
});

describe.each(POOLS)(
  "EMAIL_SCOPE=$emailScope, userPool '$userPool'",
  ({ emailScope, userPool, standings }) => {
    let world: World;
    let asking: Asking[];
    beforeAll(async () => {
      const app = await createTestApp({ EMAIL_SCOPE: emailScope });
      world = await makeWorld(app);
      for (const house of [world.ours, world.other]) await setUp(house);
      asking = await whoAsks(world);
    });
    afterAll(() => world.app.close());

    async function setUp(house: House): Promise<void> {
      await equip(world.app, house, "token");
      await world.app.deps.pool.query(
        "UPDATE tenants SET settings = settings || $2::jsonb WHERE id = $1",
        [house.tenantId, JSON.stringify(userPool ? { userPool } : {})],
      );
    }

    for (const [name, power] of Object.entries(POWERS))
      for (const standing of standings)
        test(`R77: ${name}, where the account is ${standing}`, async () => {
          for (const who of asking) await expectPower(name, power, standing, who);
        });

    async function expectPower(
      name: string,
      power: Power,
      standing: Standing,
      who: Asking,
    ): Promise<void> {
      const { isDeleted = false } = power;
      const target = await makeTarget(world, standing, { isDeleted });
      const { accountId, sharedId } = target;
      const read = (id: string) => snapshot(world.app, id, world.other.tenantId);
      const before = await read(accountId);
      const elsewhere = sharedId === accountId ? null : sharedId;
      const beforeElsewhere = elsewhere && (await read(elsewhere));
      const { status, body } = await world.app.call(pathOf(name, target), {
        token: who.token,
        ...(power.json && { json: power.json(target) }),
      });
      const changed = changedParts(before, await read(accountId));
      expect([who.name, status, ...changed]).toEqual([who.name, ...effectOf(power, standing, who)]);
      if (elsewhere && beforeElsewhere) {
        const changedElsewhere = changedParts(beforeElsewhere, await read(elsewhere));
        expect([who.name, changedElsewhere]).toEqual([who.name, []]);
      }
      if (!who.isRoot) expectNothingTold(body, target);
    }

    function expectNothingTold(body: unknown, { there, sharedId, accountId, id }: Target): void {
      const said = JSON.stringify(body);
      const { tenantId, slug } = world.other;
      const hidden = [tenantId, slug, there, sharedId, accountId, THERE.ip, THERE.deviceName];
      const told = hidden.filter((each) => each !== null && each !== id && said.includes(each));
      expect(told).toEqual([]);
    }
  },
);

/** What the rules say for this caller. */
function effectOf(power: Power, standing: Standing, who: Asking): [number, ...Part[]] {
  // What no tenant's account ever does is refused before anybody looks for whom.
  if (who.refused) return [power.own[0] === 403 ? 403 : who.refused];
  if (who.isRoot && standing === "shared") return power.root;
  const { shared, alone = [], own, root } = power;
  if (who.isRoot) {
    // The powers of a platform account are those over an account of a tenant's own, and its own besides.
    const done = own[0] < 400 ? own : root;
    const [, ...changes] = standing === "alone" && shared < 400 ? [0, ...alone] : done;
    return [done[0], ...(changes as Part[])];
  }
  if (standing === "own" || standing === "provisional") return own;
  return standing === "alone" ? [shared, ...alone] : [shared];
}

/** The people of our tenant, in it alone and in both; those of the other one, who are nobody here; and the platform. */
async function whoAsks(world: World): Promise<Asking[]> {
  const { ours, other, root } = world;
  const { owner, seats } = ours;
  const [rights, none] = [ours.roles.with, ours.roles.without];
  const inBoth = { here: rights, there: other.roles.without };
  const onlyThere = { here: none, there: other.roles.with };
  const [both, elsewhere, here] = [
    await makeCaller(world, inBoth, "here"),
    await makeCaller(world, onlyThere, "there"),
    await makeCaller(world, onlyThere, "here"),
  ];
  return [
    { name: "the owner", token: owner.accessToken },
    { name: "who holds it in this tenant alone", token: seats.with.accessToken },
    { name: "who is in both tenants", token: both.accessToken },
    {
      name: "who holds it in the other one, from there",
      token: elsewhere.accessToken,
      refused: 404,
    },
    { name: "who holds it in the other one, from here", token: here.accessToken, refused: 403 },
    { name: "a super admin", token: root.accessToken, isRoot: true },
  ];
}

function routeOf(name: string): string {
  return name.split(" ").slice(0, 2).join(" ");
}

function pathOf(name: string, { id, sessionId }: Target): string {
  return routeOf(name).replace("{id}", id).replace("{sessionId}", sessionId);
}
