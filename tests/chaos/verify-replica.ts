/** Whether the replica is read from: all the rest would be as well without one. */
import { createCaller } from "./caller.ts";
import type { Ledger } from "./ledger.ts";
import { createRandom } from "./random.ts";
import type { World } from "./world.ts";

const PATIENCE_MILLIS = 60_000;
const AGAIN_MILLIS = 500;

/** After everything that went wrong each server reads lists from it again, within a minute. */
export async function verifyReplica(world: World, ledger: Ledger): Promise<string[]> {
  const caller = createCaller(world, ledger, createRandom(2));
  const refreshToken = [...ledger.sessions.values()].findLast(
    ({ ended }) => ended === "no",
  )?.refreshToken;
  const renewed = await caller.surely("POST /v1/auth/refresh", { json: { refreshToken } });
  const token = renewed?.body.accessToken;
  const breaches: string[] = [];
  for (const [server, { name }] of world.instances.entries()) {
    const end = Date.now() + PATIENCE_MILLIS;
    let isRead = false;
    while (!isRead && Date.now() < end) {
      const before = await world.replica.lastRead();
      await caller.once("GET /v1/users", { token, server });
      isRead = (await world.replica.lastRead()) !== before;
      if (!isRead) await Bun.sleep(AGAIN_MILLIS);
    }
    if (!isRead) breaches.push(`server ${name} does not read from the replica again`);
  }
  return breaches;
}
