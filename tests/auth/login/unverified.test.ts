/** Accounts from before EMAIL_VERIFICATION=required: no way of logging in lets them in until their address is proved. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createTestApp, PASSWORD, registerOwner, type TestApp } from "../../support/app.ts";
import { createAuthenticator } from "../../support/authenticator.ts";
import { enrolPasskey } from "../../support/factors.ts";

const SECRET_KEY = randomBytes(32).toString("base64");

let before: TestApp;
let app: TestApp;
beforeAll(async () => {
  before = await createTestApp({ SECRET_KEY });
  app = await createTestApp({ SECRET_KEY, EMAIL_VERIFICATION: "required" }, before.database);
});
afterAll(async () => {
  await app.close();
  await before.close();
});

test("R13: neither by password nor by passkey; once the address is proved, by both", async () => {
  const authenticator = createAuthenticator();
  const owner = await registerOwner(before);
  await enrolPasskey(before, owner, authenticator);
  const json = { email: owner.email, password: PASSWORD };
  const byPassword = () => app.call("POST /v1/auth/login", { json });
  const byPasskey = async () => {
    const { body } = await app.call("POST /v1/auth/passkey/options");
    const response = authenticator.assert(body);
    return app.call("POST /v1/auth/passkey/login", { json: { response } });
  };
  expect((await byPassword()).body).toMatchObject({ code: "invalid_credentials" });
  expect((await byPasskey()).body).toMatchObject({ code: "invalid_passkey" });
  await app.deps.pool.query("UPDATE accounts SET email_verified_at = now() WHERE id = $1", [
    owner.id,
  ]);
  expect((await byPassword()).status).toBe(200);
  expect((await byPasskey()).status).toBe(200);
});
