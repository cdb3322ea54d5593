/** R67: an open browser that somebody finds throws nobody out, also not by what the tenant asks for. */
import { expect, test } from "bun:test";
import { registerOwner, testApp } from "../support/app.ts";
import { ageLogIn } from "../support/stale.ts";

const app = testApp();

test("R67: asking the tenant for a second factor ends one's own session, so it takes a recent proof", async () => {
  const owner = await registerOwner(app);
  const { accessToken } = await ageLogIn(app, owner);
  const change = (token: string, settings: object) =>
    app.call(`PATCH /v1/tenants/${owner.tenantId.toUpperCase()}`, { token, json: { settings } });
  const stale = await change(accessToken, { mfaRequired: true });
  expect([stale.status, stale.body.code]).toEqual([401, "reauthentication_required"]);
  expect((await change(accessToken, { locale: "de" })).status).toBe(200);
  expect((await change(owner.accessToken, { mfaRequired: true })).status).toBe(200);
});
