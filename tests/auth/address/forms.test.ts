/** One mailbox, however its address is typed: a domain of any language, capitals, and what a phone's keyboard appends. */
import { expect, test } from "bun:test";
import { createMember, PASSWORD, registerOwner, testApp } from "../../support/app.ts";

const app = testApp();
const ASCII = "jörg&co/a=b@bücher.example".replace("ö", "oe").replace("bücher", "xn--bcher-kva");

async function logIn(email: string): Promise<number> {
  return (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).status;
}

test("an account of an IDN domain logs in with every spelling of it, gets its mails, and stands once", async () => {
  const tenant = { name: "Bücher", slug: "buecher" };
  const json = { email: "Joerg&co/a=b@Bücher.example ", password: PASSWORD, tenant };
  const { status, body } = await app.call("POST /v1/auth/register", { json });
  expect([status, body.user?.email]).toEqual([201, ASCII]);
  for (const email of [
    ASCII,
    "joerg&CO/a=b@BU\u0308CHER.example",
    "\u00a0joerg&co/a=b@XN--Bcher-KVA.Example\u200b",
  ])
    expect([email, await logIn(email)]).toEqual([email, 200]);
  const again = await app.call("POST /v1/auth/register", {
    json: {
      ...json,
      email: "joerg&co/a=b@bu\u0308cher.example",
      tenant: { ...tenant, slug: "b2" },
    },
  });
  expect([again.status, again.body.code]).toEqual([409, "email_taken"]);
  expect((await app.lastMailTo(ASCII)).to).toBe(ASCII);
});

test("an invitation to it is found by whoever is meant, and a change to it is one", async () => {
  const owner = await registerOwner(app);
  const invited = { email: "ada@почта.рф", roles: ["member"] };
  expect((await app.as(owner, "POST /v1/invitations", invited)).status).toBe(201);
  const twice = await app.as(owner, "POST /v1/invitations", {
    ...invited,
    email: "ADA@xn--80a1acny.xn--p1ai",
  });
  expect(twice.status).toBe(201);
  const { body } = await app.as(owner, "GET /v1/invitations?status=pending");
  // The second took the place of the first.
  expect(body.items.map((each: { id: string }) => each.id)).toEqual([twice.body.id]);
  expect((await app.lastMailTo("ada@xn--80a1acny.xn--p1ai")).to).toStartWith("ada@xn--");
  const member = await createMember(app, owner);
  const changed = await app.as(owner, `PATCH /v1/users/${member.id}`, { email: "eve@straße.de " });
  expect([changed.status, changed.body.pendingEmail]).toEqual([200, "eve@xn--strae-oqa.de"]);
});

test("a letter that only becomes one of ASCII in lower case makes no address of somebody else's", async () => {
  const owner = await registerOwner(app);
  // The Kelvin sign.
  const own = await app.as(owner, "POST /v1/users", { email: "kim@x.example" });
  expect(own.status).toBe(201);
  const given = await app.as(owner, "POST /v1/users", { email: "\u212aim@x.example" });
  expect([given.status, given.body.errors?.[0].path]).toEqual([422, "email"]);
  expect(await logIn("\u212aim@x.example")).toBe(422);
});
