import { expect, test } from "bun:test";
import {
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();

const COMMON = ["30secondstomars", "stairwaytoheaven", "CristianoRonaldo", "Mailcreated5240"];
const REGULAR = ["aaaaaaaaaaaaaaa", "123456789012345", "abcabcabcabcabc", "qwertyuiopasdfg"];
const OWNER = {
  email: "grace.hopper@navy.example",
  firstName: "Grace",
  lastName: "Hopper",
};
const TENANT = { name: "Cobol Works", slug: "cobol-works-59" };
const KNOWN = [
  "tenantry tenantry",
  "Tenantry-2026-!!!",
  "grace.hopper@navy.example",
  "GraceHopper1906!",
  "cobol-works-59-59",
  "cobolworks123456",
];

type Errors = { status: number; errors?: { path: string; message: string }[] };

/** The three ways to set a password, each for Grace of Cobol Works. */
const ways: Record<string, (password: string) => Promise<Errors>> = {
  "POST /v1/auth/register": async (password) => {
    const { status, body } = await app.call("POST /v1/auth/register", {
      json: { ...OWNER, password, tenant: TENANT },
    });
    return { status, errors: body.errors };
  },
  "POST /v1/users": async (password) => {
    const { status, body } = await app.call("POST /v1/users", {
      token: await tokenOfOwner(),
      json: { ...OWNER, password },
    });
    return { status, errors: body.errors };
  },
  "POST /v1/auth/change-password": async (newPassword) => {
    const { status, body } = await app.call("POST /v1/auth/change-password", {
      token: await tokenOfGrace(),
      json: { currentPassword: PASSWORD, newPassword },
    });
    return { status, errors: body.errors };
  },
};

let owner: Promise<string> | undefined;
/** The owner of a tenant that is called Cobol Works too. */
function tokenOfOwner(): Promise<string> {
  owner ??= registerOwner(app).then(async ({ accessToken, tenantId }) => {
    await app.deps.db.tenant.update({ where: { id: tenantId }, data: TENANT });
    return accessToken;
  });
  return owner;
}

let grace: Promise<string> | undefined;
function tokenOfGrace(): Promise<string> {
  grace ??= (async () => {
    const json = { ...OWNER, password: PASSWORD };
    const made = await app.call("POST /v1/users", { token: await tokenOfOwner(), json });
    expect(made.status).toBe(201);
    return (await logIn(app, OWNER.email)).accessToken;
  })();
  return grace;
}

for (const [way, set] of Object.entries(ways)) {
  const path = way.endsWith("change-password") ? "newPassword" : "password";

  async function refusals(passwords: string[]) {
    const refused = [];
    for (const password of passwords) {
      const { status, errors } = await set(password);
      refused.push([password, status, errors?.map((error) => error.path)]);
    }
    return refused;
  }
  const all = (passwords: string[]) => passwords.map((password) => [password, 422, [path]]);

  test(`R5: ${way} refuses what is common, in any case`, async () => {
    expect(await refusals(COMMON)).toEqual(all(COMMON));
  });

  test(`R5: ${way} refuses what repeats itself or follows the keyboard`, async () => {
    expect(await refusals(REGULAR)).toEqual(all(REGULAR));
  });

  test(`R6: ${way} refuses what is made of names that others know`, async () => {
    expect(await refusals(KNOWN)).toEqual(all(KNOWN));
  });
}

test("R5, R6: the reason says what is wrong and what to do", async () => {
  const reason = async (password: string) =>
    (await ways["POST /v1/auth/register"]?.(password))?.errors?.[0]?.message;
  expect(await reason("stairwaytoheaven")).toMatch(/list of passwords .* choose several/);
  expect(await reason("aaaaaaaaaaaaaaa")).toMatch(/^Repeats .* choose several/);
  expect(await reason("123456789012345")).toMatch(/^Follows .* choose several/);
  expect(await reason("GraceHopper1906!")).toMatch(/^Is made of a name .* add unrelated words/);
});

test("R5, R6: the whole password is compared: what has more or less in it is accepted", async () => {
  for (const password of [
    "stairwaytoheaven zebra",
    " 30secondstomars",
    "tairwaytoheaven",
    "Grace Hopper's zebra",
  ]) {
    const name = randomName();
    const json = { ...OWNER, email: `${name}@x.example`, password, tenant: { name, slug: name } };
    const { status } = await app.call("POST /v1/auth/register", { json });
    expect([password, status]).toEqual([password, 201]);
  }
});

test("R6: it is the name of the tenant that the user joins, and of no other", async () => {
  const admin = await createSuperAdmin(app);
  const tenant = await registerOwner(app);
  const name = "Lighthouse Keepers";
  await app.deps.db.tenant.update({ where: { id: tenant.tenantId }, data: { name } });
  const make = (tenantId?: string) =>
    app.call("POST /v1/users", {
      token: admin.accessToken,
      json: {
        email: `${randomName()}@x.example`,
        password: "lighthouse-keepers",
        ...(tenantId ? { tenantId } : { roles: [] }),
      },
    });
  expect((await make(tenant.tenantId)).status).toBe(422);
  expect((await make((await registerOwner(app)).tenantId)).status).toBe(201);
  expect((await make()).status).toBe(201);
});

test("R5: where eight characters are enough, the common ones of eight are refused", async () => {
  const passwords = ["sunshine", "Trustno1", "baseball", "abcdabcd", "vq8 zebra"];
  const statuses = await statusesOf({ PASSWORD_MIN_LENGTH: "8" }, passwords);
  expect(statuses).toEqual([422, 422, 422, 422, 201]);
});

test("R6: the product is called what its operator calls it", async () => {
  const passwords = ["harbour-gate-2026!", "Gate Harbour Gate", "Tenantry-2026-!!!"];
  const statuses = await statusesOf({ PRODUCT_NAME: "Harbour Gate" }, passwords);
  expect(statuses).toEqual([422, 422, 201]);
});

/** What registering with each of these passwords is answered, with settings of one's own. */
async function statusesOf(settings: Record<string, string>, passwords: string[]) {
  const other = await createTestApp(settings);
  try {
    const statuses = [];
    for (const password of passwords) {
      const name = randomName();
      const json = { email: `${name}@x.example`, password, tenant: { name, slug: name } };
      statuses.push((await other.call("POST /v1/auth/register", { json })).status);
    }
    return statuses;
  } finally {
    await other.close();
  }
}
