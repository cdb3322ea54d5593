/** Profiles: defaults, partial changes, and what the database could not hold. */
import { beforeAll, expect, test } from "bun:test";
import { type Account, createMember, registerOwner, testApp } from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const call = (route: string, json?: unknown) =>
  app.call(route, { token: owner.accessToken, ...(json !== undefined && { json }) });

test("a profile has its defaults before it is written, and keeps what a change does not name", async () => {
  const member = await createMember(app, owner);
  const path = `/v1/users/${member.id}/profile`;
  const defaults = {
    userId: member.id,
    phone: null,
    avatarUrl: null,
    timezone: null,
    language: null,
    preferences: {},
    updatedAt: null,
  };
  expect((await call(`GET ${path}`)).body).toEqual(defaults);

  await call(`PATCH ${path}`, {
    phone: "+4930123456",
    preferences: { theme: "dark", list: [1, null, { a: true }] },
  });
  const { body } = await call(`PATCH ${path}`, {
    timezone: "asia/calcutta",
    avatarUrl: "HTTPS://Img.Example/a b.png",
    language: "pt-BR",
  });
  expect(body).toEqual({
    ...defaults,
    phone: "+4930123456",
    avatarUrl: "https://img.example/a%20b.png",
    timezone: "Asia/Calcutta",
    language: "pt-BR",
    preferences: { theme: "dark", list: [1, null, { a: true }] },
    updatedAt: body.updatedAt,
  });
  expect((await app.call("GET /v1/auth/me/profile", { token: member.accessToken })).body).toEqual(
    body,
  );
  expect((await call(`PATCH ${path}`, { phone: null, preferences: {} })).body).toMatchObject({
    phone: null,
    preferences: {},
  });
});

test("languages are taken as their devices name them", async () => {
  const path = "/v1/auth/me/profile";
  for (const [given, language] of [
    ["PT-br", "pt-BR"],
    ["en-US-u-ca-gregory", "en-US"],
    ["en-x-private", "en"],
  ])
    expect([given, (await call(`PATCH ${path}`, { language: given })).body.language]).toEqual([
      given,
      language,
    ]);
  for (const language of ["x-private", "en_US.UTF-8", "de__DE", "C", "*", "-", "_"])
    expect([language, (await call(`PATCH ${path}`, { language })).status]).toEqual([language, 422]);
});

test("of two first changes of a profile at once none is lost", async () => {
  const member = await createMember(app, owner);
  const path = `/v1/users/${member.id}/profile`;
  const answers = await Promise.all(
    [{ phone: "+4930123456" }, { language: "de" }, { timezone: "Europe/Berlin" }].map((json) =>
      call(`PATCH ${path}`, json),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await call(`GET ${path}`)).body).toMatchObject({
    phone: "+4930123456",
    language: "de",
    timezone: "Europe/Berlin",
  });
});

test("preferences nested as deeply as a body can carry are stored or refused, never a fault of ours", async () => {
  for (let depth = 1000; depth <= 8000; depth += 500) {
    const body = `{"preferences":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
    const { status } = await app.call(`PATCH /v1/users/${owner.id}/profile`, {
      token: owner.accessToken,
      body,
      headers: { "content-type": "application/json" },
    });
    expect([200, 400, 422]).toContain(status);
  }
});
