/** EMAIL_SCOPE=tenant: one address in two tenants is two people who know nothing of each other. */
import { expect, test } from "bun:test";
import { PASSWORD, randomName, testApp } from "../support/app.ts";

const app = testApp({ EMAIL_SCOPE: "tenant" });

async function register(email: string) {
  const slug = randomName();
  const { body } = await app.call("POST /v1/auth/register", {
    json: { email, password: PASSWORD, tenant: { name: slug, slug } },
  });
  return { id: body.user.id, token: body.accessToken, slug };
}

test("an address is free in another tenant and taken in one's own", async () => {
  const email = `${randomName()}@x.example`;
  const [one, two] = [await register(email), await register(email)];
  expect(one.id).not.toBe(two.id);
  for (const { token } of [one, two]) {
    const again = await app.call("POST /v1/users", { token, json: { email } });
    expect(again).toMatchObject({ status: 409, body: { code: "email_taken" } });
  }
  expect((await app.call(`GET /v1/users/${two.id}`, { token: one.token })).status).toBe(404);
});

test("of many creations of one address at once exactly one in each tenant succeeds", async () => {
  const email = `${randomName()}@x.example`;
  const tenants = [
    await register(`${randomName()}@x.example`),
    await register(`${randomName()}@x.example`),
  ];
  const calls = Array.from({ length: 12 }, (_, n) =>
    app.call("POST /v1/users", { token: tenants[n % 2]?.token ?? "", json: { email } }),
  );
  const made = (await Promise.all(calls)).filter(({ status }) => status === 201);
  expect(new Set(made.map(({ body }) => body.tenantId)).size).toBe(2);
  expect(made).toHaveLength(2);
});

test("deletion frees the address in its tenant, and restoring minds that tenant alone", async () => {
  const email = `${randomName()}@x.example`;
  const [{ token }] = [await register(`${randomName()}@x.example`), await register(email)];
  const create = () => app.call("POST /v1/users", { token, json: { email } });
  const first = await create();
  await app.call(`DELETE /v1/users/${first.body.id}`, { token });
  expect((await app.call(`POST /v1/users/${first.body.id}/restore`, { token })).status).toBe(200);
  await app.call(`DELETE /v1/users/${first.body.id}`, { token });
  expect((await create()).status).toBe(201);
  expect((await app.call(`POST /v1/users/${first.body.id}/restore`, { token })).body.code).toBe(
    "email_taken",
  );
});
