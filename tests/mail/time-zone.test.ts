import { expect, test } from "bun:test";
import { EXAMPLES, viewOf } from "../../src/mail/content.ts";
import { logIn, proveAddress, registerOwner, testApp } from "../support/app.ts";

const app = testApp();

test.each([
  ["America/New_York", "en", "January 31, 2026 at 7:00 AM (America/New_York)"],
  ["Asia/Kolkata", "de", "31. Januar 2026 um 17:30 (Asia/Kolkata)"],
  ["UTC", "en", "January 31, 2026 at 12:00 PM UTC"],
  [null, "en", "January 31, 2026 at 12:00 PM UTC"],
  ["Nowhere/At_All", "en", "January 31, 2026 at 12:00 PM UTC"],
])("a time in the zone %s, in %s", (timeZone, language, text) => {
  expect(viewOf({ ...EXAMPLES.new_device, timeZone }, language, "Tenantry").at).toBe(text);
});

test("a mail that names a time names it in the zone that its reader has chosen", async () => {
  const { id, email, accessToken } = await registerOwner(app);
  await proveAddress(app, { id });
  await logIn(app, email);
  await app.call("PATCH /v1/auth/me/profile", {
    token: accessToken,
    json: { timezone: "Asia/Kolkata" },
  });
  await app.call("POST /v1/auth/login", {
    json: { email, password: "correct horse battery staple" },
    headers: { "tenantry-device": "A new one" },
  });
  const { text } = await app.lastMailTo(email);
  expect(text).toContain("(Asia/Kolkata)");
  expect(text).not.toContain("UTC");
});
