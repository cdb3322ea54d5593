/** How long it takes until every server writes again. */
import { createCaller } from "./caller.ts";
import { createLedger } from "./ledger.ts";
import { createRandom } from "./random.ts";
import type { World } from "./world.ts";

const OVERDUE_MILLIS = 90_000;
const PASSWORD = "correct horse battery staple";

export type Probe = {
  /**
   * Milliseconds until each server writes, three times in a row: one that was asked before it went is no sign. Null when one
   * does not within a minute and a half.
   */
  untilServed(): Promise<number | null>;
};

export async function createProbe(world: World): Promise<Probe> {
  const json = {
    email: "owner@probe.example",
    password: PASSWORD,
    tenant: { name: "Probe", slug: "probe" },
  };
  const caller = createCaller(world, createLedger(), createRandom(0));
  const registered = await caller.surely("POST /v1/auth/register", { json });
  if (registered?.status !== 201) throw new Error(`no probe: ${JSON.stringify(registered)}`);
  let { accessToken: token, refreshToken } = registered.body;

  async function writes(server: number): Promise<boolean> {
    const answer = await caller.once("PATCH /v1/auth/me/profile", {
      ...{ token, server },
      json: { language: "de" },
    });
    if (answer?.status === 401) {
      const renewed = await caller.once("POST /v1/auth/refresh", { json: { refreshToken } });
      if (renewed?.status === 200) ({ accessToken: token, refreshToken } = renewed.body);
    }
    return answer?.status === 200;
  }

  async function served(server: number, begun: number): Promise<number | null> {
    for (let inARow = 0; Date.now() - begun < OVERDUE_MILLIS; await Bun.sleep(50)) {
      inARow = (await writes(server)) ? inARow + 1 : 0;
      if (inARow === 3) return Date.now() - begun;
    }
    return null;
  }

  return {
    async untilServed() {
      const begun = Date.now();
      const [one, two] = await Promise.all([served(0, begun), served(1, begun)]);
      return one === null || two === null ? null : Math.max(one, two);
    },
  };
}
