/** Tenants whose names look like another's (UTS #39): refused among those that are live, whoever writes the name. */
import { beforeAll, expect, test } from "bun:test";
import { cleanUp } from "../../src/clean-up.ts";
import { newId } from "../../src/db/id.ts";
import { looksOf } from "../../src/tenants/lookalike.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const create = (name: string) => app.as(root, "POST /v1/tenants", { name, slug: randomName() });

test("what looks like a live tenant's name and is another one is refused, and the same name is not", async () => {
  expect((await create("Acme Bank")).status).toBe(201);
  const lookalikes = [
    ...[
      "Acme B\u0430nk",
      "\u0410cme Bank",
      "Ac\u043ce Bank".replace("\u043c", "rn"),
      "Acme  Bank",
      "Ａcme Bank",
    ],
    ...["\u0410\u0421\u041c\u0415 \u0412\u0410\u039d\u041a", "Acme\u2003Bank", "𝐀cme Bank"],
  ];
  for (const name of lookalikes) {
    const { status, body } = await create(name);
    if (name === "Acme  Bank" || name === "Acme\u2003Bank")
      expect([name, status]).toEqual([name, 201]);
    else expect([name, status, body.code]).toEqual([name, 409, "name_confusable"]);
  }
  for (const name of ["Acme Bank", "ACME BANK", "Acme Banks", "Ácme Bank", "アクメ"])
    expect([name, (await create(name)).status]).toEqual([name, 201]);
});

test("registering, renaming and restoring are held to it, and a deleted tenant's name is not", async () => {
  const { status, body } = await create("Paypal");
  expect(status).toBe(201);
  const owner = await registerOwner(app);
  const json = {
    email: `${randomName()}@x.example`,
    password: PASSWORD,
    tenant: { name: "P\u0430ypal", slug: randomName() },
  };
  const registered = await app.call("POST /v1/auth/register", { json });
  expect([registered.status, registered.body.code]).toEqual([409, "name_confusable"]);
  const rename = (name: string) => app.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, { name });
  expect((await rename("Paypa1")).body.code).toBe("name_confusable");
  expect((await app.as(root, `DELETE /v1/tenants/${body.id}`)).status).toBe(204);
  expect((await rename("Paypa1")).status).toBe(200);
  const restored = await app.as(root, `POST /v1/tenants/${body.id}/restore`);
  expect([restored.status, restored.body.code]).toEqual([409, "name_confusable"]);
});

test("a registration that waits for its proof is told at once", async () => {
  const careful = await createTestApp({ EMAIL_VERIFICATION: "required" });
  await careful.deps.db.tenant.create({
    data: { id: newId(), name: "Paypal", slug: "paypal", ...(await looksOf("Paypal")) },
  });
  const [begun, refused] = await Promise.all(
    ["Paypal", "P\u0430ypal"].map((name) =>
      careful.call("POST /v1/auth/register", {
        json: {
          email: `${randomName()}@x.example`,
          password: PASSWORD,
          tenant: { name, slug: randomName() },
        },
      }),
    ),
  );
  expect([begun?.status, refused?.status, refused?.body.code]).toEqual([
    202,
    409,
    "name_confusable",
  ]);
  await careful.close();
});

test("of many at once one is made", async () => {
  const names = ["Nova", "N\u043eva", "Nοva", "Nоvа"];
  const answers = await Promise.all(names.map(create));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(answers.filter(({ body }) => body.code === "name_confusable")).toHaveLength(3);
});

test("tenants from before get their looks in the night, all but those that look like another", async () => {
  const rows = ["Orbit", "\u041erbit"].map((name) => ({ id: newId(), name, slug: randomName() }));
  await app.deps.db.tenant.createMany({ data: rows });
  await cleanUp(app.deps);
  const found = await app.deps.db.tenant.findMany({
    where: { id: { in: rows.map(({ id }) => id) } },
    orderBy: { id: "asc" },
  });
  expect(found.map(({ nameSkeleton }) => nameSkeleton)).toEqual([
    (await looksOf("Orbit")).nameSkeleton,
    null,
  ]);
});
