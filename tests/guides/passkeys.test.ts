/** docs/guides/passkeys.md, with an authenticator in software in the place of the browser's. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { PASSWORD, registerOwner } from "../support/app.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { claimsOf } from "../support/factors.ts";
import type { Answers } from "./guide.ts";
import { openPage, type Page } from "./page.ts";
import { type Served, serve } from "./serve.ts";

type Passkeys = {
  addPasskey(name: string): Answers;
  logInWithPasskey(): Answers;
  showAsSecondStep(mfaToken: string): Answers;
  reauthenticateWithPasskey(): Answers;
};
type Options<Of> = { publicKey: Of };

let served: Served;
let page: Page;
let email: string;
let passkeys: Passkeys;
const authenticator = createAuthenticator();

beforeAll(async () => {
  // The software authenticator is at home there.
  served = await serve({ PASSKEY_RP_ID: "localhost", PASSKEY_ORIGINS: "http://localhost:3000" });
  page = openPage(served.url);
  ({ email } = await registerOwner(served.app));
  passkeys = await page.load<Passkeys>("passkeys.ts");
  const asIs = (options: object) => options;
  Object.assign(globalThis, {
    PublicKeyCredential: {
      parseCreationOptionsFromJSON: asIs,
      parseRequestOptionsFromJSON: asIs,
    },
  });
  type Creation = Parameters<typeof authenticator.register>[0];
  type Request = Parameters<typeof authenticator.assert>[0];
  const credentials = {
    create: async ({ publicKey }: Options<Creation>) => ({
      toJSON: () => authenticator.register(publicKey),
    }),
    get: async ({ publicKey }: Options<Request>) => ({
      toJSON: () => authenticator.assert(publicKey),
    }),
  };
  Object.defineProperty(navigator, "credentials", { value: credentials, configurable: true });
});
afterAll(async () => {
  Reflect.deleteProperty(globalThis, "PublicKeyCredential");
  Reflect.deleteProperty(navigator, "credentials");
  page.close();
  await served.stop();
});

test("a passkey is added, and logs in alone, as the second step and to prove again", async () => {
  const { post } = await page.client();
  await post("/v1/auth/login", { email, password: PASSWORD });
  expect(await passkeys.addPasskey("Laptop")).toMatchObject({ name: "Laptop" });

  const alone = await passkeys.logInWithPasskey();
  expect(alone.user.email).toBe(email);
  expect(claimsOf(alone.accessToken).amr).toContain("mfa");

  const { mfaRequired, mfaToken, methods } = await post("/v1/auth/login", {
    email,
    password: PASSWORD,
  });
  expect([mfaRequired, methods]).toEqual([true, ["passkey"]]);
  const second = await passkeys.showAsSecondStep(mfaToken);
  expect(claimsOf(second.accessToken).amr).toContain("pwd");

  const again = await passkeys.reauthenticateWithPasskey();
  expect(claimsOf(again.accessToken).sid).not.toBe(claimsOf(second.accessToken).sid);
});
