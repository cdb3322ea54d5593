/** Whatever a client sends to whatever route: never a 5xx, and every refusal a problem. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { createMember, createSuperAdmin, registerOwner, testApp } from "../support/app.ts";
import { type ArbitraryRequest, arbitraryRequest } from "./arbitrary.ts";
import { type Route, routes } from "./document.ts";
import { expectProblem } from "./problem.ts";

/** FUZZ_RUNS=2000 bun test tests/http/fuzz, for a long look. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 6);

/** Who calls, and the ids of what they may touch. */
type Caller = { token: string; ids: string[] };

const app = testApp();
let all: Route[];
beforeAll(async () => {
  all = routes((await app.call("GET /openapi.json")).body);
});

async function createOwner(): Promise<Caller> {
  const owner = await registerOwner(app);
  const [member, deleted] = await Promise.all([createMember(app, owner), createMember(app, owner)]);
  await app.call(`DELETE /v1/users/${deleted.id}`, { token: owner.accessToken });
  const ids = [owner.id, owner.tenantId, owner.refreshToken, member.id, deleted.id];
  return { token: owner.accessToken, ids };
}

async function createRoot(): Promise<Caller> {
  const [root, owner] = await Promise.all([createSuperAdmin(app), createOwner()]);
  return { token: root.accessToken, ids: [root.id, ...owner.ids] };
}

/** Sends arbitrary requests to every route. A caller whose session or account one of them ended is made anew. */
async function fuzz(create: () => Promise<Caller>): Promise<void> {
  let caller = await create();
  for (const route of all) {
    const property = fc.asyncProperty(arbitraryRequest(route, caller.ids), async (request) => {
      const answer = await send(route, request, caller.token);
      if (answer.status >= 400) expectProblem(answer, answer.body.code);
      expect(answer.status).toBeLessThan(500);
      if (answer.body.code === "invalid_token") caller = await create();
    });
    await fc.assert(property, { numRuns: RUNS });
    if (["DELETE", "PATCH"].includes(route.method)) caller = await create();
  }
}

function send({ method }: Route, { address, body }: ArbitraryRequest, token: string) {
  return app.call(`${method} ${address}`, {
    token,
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body }),
  });
}

test("nothing that an owner sends ends in a 5xx", () => fuzz(createOwner), 30_000 + RUNS * 3000);
test(
  "nothing that a super admin sends ends in a 5xx",
  () => fuzz(createRoot),
  30_000 + RUNS * 3000,
);
