/** Finding people, in tenants of different sizes. */
import { withClient } from "../database.ts";
import { sessionOfLater } from "../layout.ts";
import type { Row, Side } from "../measure.ts";
import { addTenants, seedSessions } from "../seed.ts";
import type { World } from "../world.ts";
import { callsAsTenantry, ownerOf, side } from "./sides.ts";

/** Different words, so that no answer is a remembered one. */
const WORDS = 500;

const search: Row = {
  key: "search",
  title:
    "`GET /v1/users?search=user123`, in the largest tenant: a fifth of all users, of whom a hundred match",
  async sides(world) {
    return [searching(world, "Tenantry", ownerOf(1), (n) => `user${100 + n}`)];
  },
};

/** For `--growth`: of more users a search by part of a name finds more, this one does not. */
export const findingOne: Row = {
  key: "search-one",
  title: "a search that one person matches, in the largest tenant",
  async sides(world) {
    const { size } = world.layout.tenants[0] ?? world.layout.later;
    const one = (n: number) => `user${1 + ((n * 7919) % size)}@bench`;
    return [searching(world, "Tenantry", ownerOf(1), one)];
  },
};

/** The last row: it makes the database twice as large. */
const searchGrowth: Row = {
  key: "search-growth",
  title:
    "a search that one person matches, in a tenant of as many users as all others together, beside a twentieth",
  ratios: [{ key: "search-growth", against: "a twentieth", goal: 0.5 }],
  async sides(world) {
    const { later, tenants } = world.layout;
    await addLater(world);
    const small = tenants[1] ?? later;
    const one = (first: number, size: number) => (n: number) =>
      `user${first + ((n * 7919) % size)}@bench`;
    return [
      searching(world, "Tenantry", [sessionOfLater(world.layout)], one(later.first, later.size)),
      searching(world, "a twentieth", ownerOf(2), one(small.first, small.size)),
    ];
  },
};

function searching(
  world: World,
  name: string,
  sessions: number[],
  word: (n: number) => string,
): Side {
  const asks = (n: number) => ({ route: `GET /v1/users?search=${word(n)}` });
  return side(world, name, world.tenantry, async () => ({
    calls: await callsAsTenantry(world, { sessions, asks, count: WORDS }),
  }));
}

async function addLater({ layout, database, passwordHash }: World): Promise<void> {
  const { later } = layout;
  await withClient(database.ownerUrl, async (client) => {
    await addTenants(client, [later], passwordHash);
    await seedSessions(client, new Map([[sessionOfLater(layout), later.first]]));
  });
}

export const SEARCHES: Row[] = [search, searchGrowth];
