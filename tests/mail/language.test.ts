/** In which language a mail comes: what its reader chose, else their tenant, else what the reader's own request asks for. */
import { expect, test } from "bun:test";
import { createMember, createSuperAdmin, registerOwner, testApp } from "../support/app.ts";

const app = testApp();
const GERMAN = /Passwort/;
const ENGLISH = /password/;

async function subjectOf(email: string, language: string): Promise<string> {
  await app.deps.pool.query("DELETE FROM one_time_tokens; DELETE FROM rate_limits");
  const headers = { "accept-language": language };
  await app.call("POST /v1/auth/forgot-password", { json: { email }, headers });
  return (await app.lastMailTo(email)).subject;
}

test("the best match of Accept-Language counts (RFC 9110, 12.5.4; RFC 4647, 3.4)", async () => {
  const headers: [header: string, subject: RegExp][] = [
    ["pl, de;q=0.8", GERMAN],
    ["en;q=0.2, de", GERMAN],
    ["fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", ENGLISH],
    ["fr-CH, fr;q=0.9, de-CH;q=0.8, en;q=0.7", GERMAN],
    ["DE-at", GERMAN],
    ["de_AT", GERMAN],
    ["de-Latn-AT-1996", GERMAN],
    ["de;q=0, en;q=0.1", ENGLISH],
    ["de;q=0", ENGLISH],
    ["*, de;q=0.1", GERMAN],
    ["*", ENGLISH],
    ["pl ; q=1.0 ,\tde ; q=0.001", GERMAN],
    ["de;q=2, en;q=0.1", ENGLISH],
    ["!, ;;, de", GERMAN],
    ["en-US,en;q=0.9,de;q=0.8", ENGLISH],
    [`${"x-y,".repeat(40)}pl,${"pl,".repeat(40)}de`, ENGLISH],
  ];
  for (const [header, subject] of headers) {
    const { email } = await registerOwner(app);
    expect([header, await subjectOf(email, header)]).toEqual([
      header,
      expect.stringMatching(subject),
    ]);
  }
});

test("a time zone is no choice of a language, and a choice can be taken back", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  const profile = (json: object) => app.as(member, "PATCH /v1/auth/me/profile", json);
  await app.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, { settings: { locale: "DE" } });
  expect((await profile({ timezone: "Europe/Berlin" })).body).toMatchObject({ language: null });
  expect(await subjectOf(member.email, "en")).toMatch(GERMAN);
  expect((await profile({ language: "EN-us" })).body).toMatchObject({ language: "en-US" });
  expect(await subjectOf(member.email, "de")).toMatch(ENGLISH);
  const back = await profile({ language: null, timezone: null });
  expect(back.body).toMatchObject({ language: null, timezone: null });
  expect(await subjectOf(member.email, "en")).toMatch(GERMAN);
});

test("a tag is taken in any case, and kept in one form", async () => {
  const owner = await registerOwner(app);
  const tags: [given: string, kept: string | undefined][] = [
    ["DE", "de"],
    ["pt-br", "pt-BR"],
    ["de_AT", undefined],
    ["en-US-u-ca-gregory", "en-US"],
    ["ZH-HANT-tw", "zh-Hant-TW"],
    ["", undefined],
    ["german", undefined],
    ["de-", undefined],
    ["d", undefined],
  ];
  for (const [given, kept] of tags) {
    const { status, body } = await app.as(owner, "PATCH /v1/auth/me/profile", { language: given });
    expect([given, status, body.language]).toEqual([given, kept ? 200 : 422, kept]);
    const path = `PATCH /v1/tenants/${owner.tenantId}`;
    const set = await app.as(owner, path, { settings: { locale: given } });
    expect([given, set.status, set.body.settings?.locale]).toEqual([given, kept ? 200 : 422, kept]);
  }
});

test("what somebody else began comes in its reader's language, and never in theirs", async () => {
  const owner = await registerOwner(app);
  const root = await createSuperAdmin(app);
  for (const who of [owner, root])
    for (const [locale, subject] of [
      [null, ENGLISH],
      ["de", GERMAN],
    ] as const) {
      await app.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, { settings: { locale } });
      const member = await createMember(app, owner);
      const begun = await app.call(`POST /v1/users/${member.id}/reset-password`, {
        token: who.accessToken,
        headers: { "accept-language": locale === null ? "de" : "en" },
      });
      expect(begun.status).toBe(202);
      expect((await app.lastMailTo(member.email)).subject).toMatch(subject);
    }
});

test("a device is called what can be seen", async () => {
  const { email } = await registerOwner(app);
  const names: [given: string, kept: string | null][] = [
    ["Ada's 📱", "Ada's 📱"],
    ["Phone\u202eenohP", null],
    ["\u3164", null],
    ["a\u2028b", null],
    ["\u200b", null],
  ];
  for (const [given, kept] of names) {
    const answer = await app.call("POST /v1/auth/login", {
      json: { email, password: "correct horse battery staple" },
      headers: { "tenantry-device": encodeURIComponent(given) },
    });
    const { items } = (await app.as(answer.body, "GET /v1/auth/sessions")).body;
    const own = items.find((each: { current: boolean }) => each.current);
    if (kept === null) expect(own.deviceName).not.toBe(given);
    else expect(own.deviceName).toBe(kept);
  }
});
