/** Mails where addresses are unique per tenant, and the language of mails. */
import { describe, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  testApp,
} from "../../support/app.ts";
import { codeIn, followLink, mailsTo, NEW_PASSWORD, tokenIn } from "./mails.ts";

type Owner = Account & { slug: string };

const app = testApp({ EMAIL_SCOPE: "tenant" });

async function register(email: string, headers: Record<string, string> = {}): Promise<Owner> {
  const slug = randomName();
  const { body } = await app.call("POST /v1/auth/register", {
    json: { email, password: PASSWORD, tenant: { name: slug, slug } },
    headers,
  });
  const { accessToken, refreshToken, user } = body;
  return { id: user.id, email, tenantId: user.tenantId, slug, accessToken, refreshToken };
}

describe("EMAIL_SCOPE=tenant: one address in two tenants is two users", () => {
  async function twins() {
    const email = `${randomName()}@example.com`;
    const owners = [await register(email), await register(email)] as const;
    await app.mail();
    return owners;
  }

  test.each(["forgot-password", "magic-link"])(
    "without a tenant %s means neither",
    async (path) => {
      const [one] = await twins();
      const before = await mailsTo(app, one.email);
      for (const tenant of [undefined, "nowhere"]) {
        const json = { email: one.email, tenant };
        expect((await app.call(`POST /v1/auth/${path}`, { json })).status).toBe(202);
      }
      expect(await mailsTo(app, one.email)).toBe(before);
    },
  );

  test("a reset for one leaves the other alone", async () => {
    const [one, two] = await twins();
    const json = { email: one.email, tenant: two.slug };
    await app.call("POST /v1/auth/forgot-password", { json });
    const token = tokenIn(await app.lastMailTo(one.email));
    const reset = { token, newPassword: NEW_PASSWORD };
    expect((await app.call("POST /v1/auth/reset-password", { json: reset })).status).toBe(204);
    const status = async (tenant: string, password: string) =>
      (await app.call("POST /v1/auth/login", { json: { email: one.email, tenant, password } }))
        .status;
    expect(await status(two.slug, NEW_PASSWORD)).toBe(200);
    expect(await status(one.slug, PASSWORD)).toBe(200);
    expect(await status(one.slug, NEW_PASSWORD)).toBe(401);
  });

  test("a mail logs in to the tenant that was named", async () => {
    const [one, two] = await twins();
    const json = { email: one.email, tenant: two.slug };
    const { challengeId } = (await app.call("POST /v1/auth/magic-link", { json })).body;
    const code = codeIn(await app.lastMailTo(one.email));
    const { body } = await followLink(app, { challengeId, code });
    expect([body.user.id, body.user.tenantId]).toEqual([two.id, two.tenantId]);
  });

  test("an address of another tenant is free to change to", async () => {
    const [one] = await twins();
    const other = await register(`${randomName()}@example.com`);
    const json = { email: one.email };
    await app.call("POST /v1/auth/me/email", { token: other.accessToken, json });
    const verify = { token: tokenIn(await app.lastMailTo(one.email)) };
    const answer = await app.call("POST /v1/auth/me/email/verify", {
      token: other.accessToken,
      json: verify,
    });
    expect(answer.status).toBe(204);
  });

  test("an administrator's reset reaches the user of their tenant, a super admin's any", async () => {
    const [one, two] = await twins();
    const foreign = `POST /v1/users/${two.id}/reset-password`;
    expect((await app.call(foreign, { token: one.accessToken })).status).toBe(404);
    const root = await createSuperAdmin(app);
    for (const [by, user] of [
      [one, one],
      [root, two],
    ] as const) {
      const { status } = await app.call(`POST /v1/users/${user.id}/reset-password`, {
        token: by.accessToken,
      });
      expect(status).toBe(202);
      const token = tokenIn(await app.lastMailTo(user.email));
      const reset = { token, newPassword: `${NEW_PASSWORD} of ${user.slug}` };
      await app.call("POST /v1/auth/reset-password", { json: reset });
      const json = { email: user.email, tenant: user.slug, password: reset.newPassword };
      expect((await app.call("POST /v1/auth/login", { json })).body.user.id).toBe(user.id);
    }
  });
});

describe("mails speak", () => {
  const german = { "accept-language": "de-AT,en;q=0.5" };

  test("the language of the request, until the user has chosen one", async () => {
    const owner = await register(`${randomName()}@example.com`, german);
    expect((await app.lastMailTo(owner.email)).subject).toBe("Bestätigen Sie Ihre E-Mail-Adresse");
    const ask = async (headers: Record<string, string>) => {
      const json = { email: owner.email, tenant: owner.slug };
      await app.call("POST /v1/auth/forgot-password", { json, headers });
      return (await app.lastMailTo(owner.email)).subject;
    };
    expect(await ask({})).toBe("Set a new password");
    expect(await ask(german)).toBe("Setzen Sie ein neues Passwort");
    await app.call("PATCH /v1/auth/me/profile", {
      token: owner.accessToken,
      json: { language: "en" },
    });
    expect(await ask(german)).toBe("Set a new password");
    const token = owner.accessToken;
    await app.call("POST /v1/auth/me/email/verification", { token, headers: german });
    expect((await app.lastMailTo(owner.email)).subject).toBe("Confirm your e-mail address");
  });

  test.each([
    ["en", "The link works for 1 hour, the code for 10 minutes."],
    ["de", "Der Link gilt 1 Stunde lang, der Code 10 Minuten."],
  ])("the truth about how long link and code count (%s)", async (language, sentence) => {
    const owner = await register(`${randomName()}@example.com`, { "accept-language": language });
    expect((await app.lastMailTo(owner.email)).text).toContain(sentence);
    const json = { email: `${randomName()}@example.com` };
    const headers = { "accept-language": language };
    await app.call("POST /v1/auth/me/email", { token: owner.accessToken, json, headers });
    expect((await app.lastMailTo(json.email)).text).toContain(sentence);
    app.deps.config.emailVerification = "required";
    const slug = randomName();
    const form = { email: `${slug}@example.com`, password: PASSWORD, tenant: { name: slug, slug } };
    await app.call("POST /v1/auth/register", { json: form, headers });
    app.deps.config.emailVerification = "optional";
    expect((await app.lastMailTo(form.email)).text).toContain(sentence);
  });
});
