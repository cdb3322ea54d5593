import { expect, test } from "bun:test";
import { PASSWORD, registerOwner, testApp } from "../../support/app.ts";

const app = testApp();

test("R7: a password does not expire: one of ten years ago still logs in", async () => {
  const { id, email } = await registerOwner(app);
  for (const table of ["users", "accounts"])
    await app.deps.pool.query(
      `UPDATE ${table} SET created_at = now() - interval '10 years', updated_at = now() - interval '10 years' WHERE id = $1`,
      [id],
    );
  const { status } = await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
  expect(status).toBe(200);
});

test("R7: there are no password hints and no security questions", async () => {
  const { body } = await app.call("GET /openapi.json");
  expect(JSON.stringify(body)).not.toMatch(/hint|question|mother/i);
});

test("R49: every answer with a token is kept out of caches", async () => {
  const { email, refreshToken } = await registerOwner(app);
  const json = { email, password: PASSWORD };
  const answers = await Promise.all([
    app.call("POST /v1/auth/login", { json }),
    app.call("POST /v1/auth/refresh", { json: { refreshToken } }),
    app.call("POST /v1/auth/register", {
      json: { ...json, email: "r49@example.com", tenant: { name: "R49", slug: "r49" } },
    }),
  ]);
  for (const { body, headers } of answers) {
    expect(body.accessToken).toEqual(expect.any(String));
    expect(headers.get("cache-control")).toBe("no-store");
  }
});
