/** R74: of the words of a notice none is its sender's. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { knownDevice } from "../../src/device.ts";
import { EXAMPLES, TEMPLATE_NAMES, viewOf } from "../../src/mail/content.ts";
import { KINDS } from "../../src/mail/mails.ts";
import {
  createMember,
  createSuperAdmin,
  PASSWORD,
  proveAddress,
  registerOwner,
  testApp,
} from "../support/app.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

describe("the words of a notice", () => {
  const TEXT = "Evilword";
  const app = testApp();

  test("R74: none is its sender's: no device, user agent, reason, name or address", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    await proveAddress(app, member);
    await app.deps.pool.query("UPDATE tenants SET name = $1 WHERE id = $2", [TEXT, owner.tenantId]);
    const evil = {
      "tenantry-device": TEXT,
      "user-agent": `${TEXT}/1.0 (${TEXT}; ${TEXT}) ${TEXT}`,
    };
    const json = { email: member.email, password: PASSWORD };
    const { body } = await app.call("POST /v1/auth/login", { json, headers: evil });
    const list = await app.call("GET /v1/auth/sessions", { token: body.accessToken });
    expect(JSON.stringify(list.body)).toContain(`"deviceName":"${TEXT}"`);
    const refreshed = (refreshToken: string) =>
      app.call("POST /v1/auth/refresh", { json: { refreshToken }, headers: evil });
    await refreshed((await refreshed(body.refreshToken)).body.refreshToken);
    await app.deps.pool.query("UPDATE refresh_tokens SET used_at = used_at - interval '1 minute'");
    await refreshed(body.refreshToken);
    const root = await createSuperAdmin(app);
    const reason = { reason: TEXT };
    const acting = await app.call(`POST /v1/users/${member.id}/impersonate`, {
      token: root.accessToken,
      json: reason,
      headers: evil,
    });
    expect(acting.status).toBeOneOf([200, 201]);
    await app.call(`PATCH /v1/users/${member.id}`, {
      token: owner.accessToken,
      json: { firstName: TEXT, email: `${TEXT}@${TEXT}.example` },
      headers: evil,
    });
    const mails = (await app.mail()).filter(({ to }) => to === member.email);
    const subjects = mails.map(({ subject }) => subject);
    for (const subject of [/^New log-in/, /may be stolen/, /^Support acts/])
      expect(subjects).toContainEqual(expect.stringMatching(subject));
    for (const { subject, text, html } of mails)
      expect(`${subject} ${text} ${html}`.toLowerCase()).not.toContain(TEXT.toLowerCase());
  });

  test("R74: a device is told by browser and system of a list, in whatever the user agent is written", () => {
    expect(knownDevice({ userAgent: FIREFOX })).toBe("Firefox on Linux");
    const Word = fc.constantFrom(
      "Evil",
      "Firefox/1",
      "Chrome/99",
      "(X11; Linux)",
      "Version/1",
      "Mozilla/5.0",
      "Windows NT 10.0",
      "Evil/2.0",
      ";",
      "(",
      ")",
      "Android 9; Evil",
      "Opera Evil",
    );
    const Agent = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.array(Word, { maxLength: 8 }).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(Agent, (userAgent) => {
        const device = knownDevice({ userAgent });
        expect(device === null || /^[A-Z0-9][\w .:()/-]{1,30} on [\w .]{2,20}$/i.test(device)).toBe(
          true,
        );
        expect(device ?? "").not.toMatch(/evil/i);
      }),
      { numRuns: 1000 },
    );
  });

  test("R74: every mail is a proof with something to use, or a notice with no free text in it", () => {
    for (const template of TEMPLATE_NAMES) {
      const fields = Object.keys(EXAMPLES[template]);
      // The link that takes the end of an account back is good until a day, and says that day.
      const isUsable = fields.includes("minutes") || template === "account_deleted";
      expect([template, KINDS[template]]).toEqual([template, isUsable ? "proof" : "notice"]);
      if (!isUsable)
        for (const field of fields)
          expect(["template", "link", "device", "ip", "at", "factor", "change", "left"]).toContain(
            field,
          );
    }
  });

  test("R74: a tenant's name in a proof is short, one line, and no link", () => {
    const mail = {
      ...EXAMPLES.invitation,
      tenant: `Win at https://evil.example now\n${"and then some ".repeat(9)}`,
    };
    const { tenant } = viewOf(mail, "en", "Tenantry");
    expect(String(tenant)).toStartWith("Win at https: /");
    expect(String(tenant)).toMatch(/^[^\n]{40,75}…$/);
    expect(String(tenant)).not.toMatch(/evil\.example|:\/\//);
    expect(viewOf({ ...mail, tenant: "Müller & Söhne, Inc." }, "en", "Tenantry").tenant).toBe(
      "Müller & Söhne, Inc.",
    );
  });
});
