import { expect, test } from "bun:test";
import { createMember, proveAddress, randomName, registerOwner, testApp } from "../support/app.ts";
import { joinTenant } from "../support/memberships.ts";

const app = testApp();

test("whoever comes back is found by the address that their account has by now, and not by the former one", async () => {
  const [owner, other] = [await registerOwner(app), await registerOwner(app)];
  const person = await createMember(app, owner);
  await proveAddress(app, person);
  await joinTenant(app, person, other);
  const user = `/v1/users/${person.id}`;
  expect((await app.as(owner, `DELETE ${user}`)).status).toBe(204);
  const email = `${randomName()}@moved.example`;
  await app.deps.db.account.update({ where: { id: person.id }, data: { email } });
  expect((await app.as(owner, `POST ${user}/restore`)).body.email).toBe(email);
  const found = async (search: string) => {
    const { body } = await app.as(owner, `GET /v1/users?search=${encodeURIComponent(search)}`);
    return body.items.map(({ id }: { id: string }) => id);
  };
  expect(await found(email)).toEqual([person.id]);
  expect(await found(person.email)).toEqual([]);
});
