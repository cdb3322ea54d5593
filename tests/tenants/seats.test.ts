/** R64: how many people a tenant may have, and that no race gets round it. */
import { beforeAll, expect, test } from "bun:test";
import { createService } from "../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "../users/routes.ts";
import { create, limitSeats } from "./tenants.ts";

const app = testApp();
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const invite = (who: Account, email = `${randomName()}@a.example`) =>
  app.call("POST /v1/invitations", { token: who.accessToken, json: { email } });
const tally = (answers: { status: number; body: { code?: string } }[]) => {
  const count = (code: string | number) =>
    answers.filter(({ status, body }) => (body.code ?? status) === code).length;
  return { made: count(201), refused: count("seat_limit") };
};
async function usage({ accessToken: token }: Account) {
  return (await app.call("GET /v1/tenants/current/usage", { token })).body.seats;
}

test("R64: of thirty creations at once against five seats exactly five succeed", async () => {
  const owner = await registerOwner(app);
  await limitSeats(app, root, owner.tenantId, 6);
  const answers = await Promise.all(Array.from({ length: 30 }, () => create(app, owner)));
  expect(tally(answers)).toEqual({ made: 5, refused: 25 });
  expect(await usage(owner)).toEqual({ taken: 6, limit: 6 });
  expect((await create(app, owner)).body).toMatchObject({ status: 409, code: "seat_limit" });
});

test("R64: creations, invitations and restorations at once share the seats", async () => {
  const owner = await registerOwner(app);
  const deleted = [await createMember(app, owner), await createMember(app, owner)];
  for (const { id } of deleted)
    await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
  await limitSeats(app, root, owner.tenantId, 5);
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => create(app, owner)),
    ...Array.from({ length: 8 }, () => invite(owner)),
    ...deleted.map(({ id }) =>
      app.call(`POST /v1/users/${id}/restore`, { token: owner.accessToken }),
    ),
  ]);
  expect(answers.filter(({ status }) => status < 300)).toHaveLength(4);
  expect(tally(answers).refused).toBe(14);
  expect(await usage(owner)).toEqual({ taken: 5, limit: 5 });
});

test("a machine takes no seat; who is deleted gives theirs back, who is disabled does not", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await limitSeats(app, root, owner.tenantId, 2);
  await createService(app, owner);
  const path = `/v1/users/${member.id}`;
  await app.call(`PATCH ${path}`, { token: owner.accessToken, json: { status: "disabled" } });
  expect((await create(app, owner)).status).toBe(409);
  await app.call(`DELETE ${path}`, { token: owner.accessToken });
  expect((await create(app, owner)).status).toBe(201);
  const restored = await app.call(`POST ${path}/restore`, { token: owner.accessToken });
  expect(restored).toMatchObject({ status: 409, body: { code: "seat_limit" } });
});

test("an invitation keeps its seat until it is revoked or expires, and a newer one takes over", async () => {
  const owner = await registerOwner(app);
  await limitSeats(app, root, owner.tenantId, 2);
  const first = await invite(owner, "ada@a.example");
  expect(first.status).toBe(201);
  expect((await create(app, owner)).status).toBe(409);
  const second = await invite(owner, "ada@a.example");
  expect(second.status).toBe(201);
  await app.call(`DELETE /v1/invitations/${second.body.id}`, { token: owner.accessToken });
  const third = await invite(owner);
  expect(third.status).toBe(201);
  await app.deps.pool.query(
    "UPDATE invitations SET created_at = now() - interval '9 days', expires_at = now() - interval '1 s' WHERE id = $1",
    [third.body.id],
  );
  expect((await create(app, owner)).status).toBe(201);
  const resend = `POST /v1/invitations/${third.body.id}/resend`;
  const late = await app.call(resend, { token: owner.accessToken });
  expect(late).toMatchObject({ status: 409, body: { code: "seat_limit" } });
});

test("fewer seats than people are allowed, and stop new ones only", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await limitSeats(app, root, owner.tenantId, 1);
  const me = await app.call("GET /v1/auth/me", { token: member.accessToken });
  expect(me.status).toBe(200);
  expect((await create(app, owner)).body.code).toBe("seat_limit");
  await limitSeats(app, root, owner.tenantId, null);
  expect((await create(app, owner)).status).toBe(201);
});

test("R60: a tenant's own people do not decide how many they are", async () => {
  const owner = await registerOwner(app);
  await limitSeats(app, root, owner.tenantId, 3);
  const mighty = await createMemberWith(app, owner);
  for (const { accessToken: token } of [owner, mighty])
    for (const seatLimit of [null, 100]) {
      const route = `PATCH /v1/tenants/${owner.tenantId}`;
      const answer = await app.call(route, { token, json: { name: "New", seatLimit } });
      expect(answer).toMatchObject({ status: 403, body: { code: "permission_denied" } });
    }
  const json = { name: "A", slug: randomName(), seatLimit: 5 };
  const made = await app.call("POST /v1/tenants", { token: mighty.accessToken, json });
  expect(made.status).toBe(403);
  const { body } = await app.call("GET /v1/tenants/current", { token: owner.accessToken });
  expect(body).toMatchObject({ name: owner.slug, seatLimit: 3 });
});
