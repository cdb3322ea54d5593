/** Whoever owns a tenant may plant an account with somebody's address in it: its log-ins buy no guesses at theirs. */
import { expect, test } from "bun:test";
import { proveAddress, registerOwner, testApp } from "../support/app.ts";

const app = testApp({ RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1" });
const PLANTED = "another horse battery staple";
const QUOTA = 10;

for (const userPool of ["shared", "isolated"])
  test(`a planted account in a tenant with userPool ${userPool} sets no guesses at the shared one back`, async () => {
    const victim = await registerOwner(app);
    await proveAddress(app, victim);
    const { email } = victim;
    const planter = await registerOwner(app);
    const { tenantId, slug } = planter;
    await app.deps.db.tenant.update({ where: { id: tenantId }, data: { settings: { userPool } } });
    const planted = await app.as(planter, "POST /v1/users", { email, password: PLANTED });
    expect(planted.status).toBe(201);
    const headers = { "x-forwarded-for": userPool === "shared" ? "203.0.113.9" : "203.0.113.10" };
    const logIn = async (json: object) =>
      (await app.call("POST /v1/auth/login", { json: { email, ...json }, headers })).status;

    // Right ones are given back: they do not use the quota up.
    for (let n = 0; n < QUOTA + 2; n += 1)
      expect(await logIn({ password: PLANTED, tenant: slug })).toBe(200);
    const guesses: number[] = [];
    for (let n = 0; n < QUOTA + 2; n += 1) {
      guesses.push(await logIn({ password: "wrong" }));
      if (n < QUOTA - 1) expect(await logIn({ password: PLANTED, tenant: slug })).toBe(200);
    }
    expect(guesses.filter((status) => status === 401)).toHaveLength(QUOTA);
    expect(guesses.slice(QUOTA)).toEqual([429, 429]);
  });
