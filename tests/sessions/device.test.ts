/** What a device is called, and who is told of a new one. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { deviceName } from "../../src/device.ts";
import { from, newAddress } from "../rate-limits/callers.ts";
import { createMember, PASSWORD, proveAddress, registerOwner, testApp } from "../support/app.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";

const app = testApp({ TRUSTED_PROXY_HOPS: "1" });

function logInWith(email: string, headers: Record<string, string>) {
  return app.call("POST /v1/auth/login", { json: { email, password: PASSWORD }, headers });
}

/** What the list calls the session that asks. */
async function nameOf(token: string): Promise<string | null> {
  const { body } = await app.call("GET /v1/auth/sessions", { token });
  return body.items.find(({ current }: { current: boolean }) => current).deviceName;
}

describe("the name of a device", () => {
  const long = "x".repeat(400);
  const cases: [what: string, headers: Record<string, string>, name: string | null][] = [
    ["is what the client says", { "tenantry-device": "Ada's laptop" }, "Ada's laptop"],
    [
      "may be any text, percent-encoded",
      { "tenantry-device": "T%C3%A9l%C3%A9phone%20%F0%9F%93%B1" },
      "Téléphone 📱",
    ],
    ["is trimmed", { "tenantry-device": "%20Phone%20%20" }, "Phone"],
    [
      "is what the client says, whatever the browser is",
      { "tenantry-device": "Kiosk", "user-agent": FIREFOX },
      "Kiosk",
    ],
    [
      "may have 120 characters, of whatever many bytes",
      { "tenantry-device": "%F0%9F%93%B1".repeat(120) },
      "📱".repeat(120),
    ],
    [
      "is markup to nobody",
      { "tenantry-device": "%3Cscript%3Ealert(1)%3C/script%3E" },
      "<script>alert(1)</script>",
    ],
    ["else comes from the user agent", { "user-agent": FIREFOX }, "Firefox on Linux"],
    ["of a phone does too", { "user-agent": SAFARI }, "Safari on iOS"],
    ["of what is no browser is its own name", { "user-agent": "curl/8.5.0" }, "curl"],
    ["is null when nothing tells", {}, null],
    ["of a boundless user agent is cut", { "user-agent": `${long}/1.0 z` }, "x".repeat(120)],
    ["of a boundless word is cut", { "user-agent": long }, "x".repeat(120)],
    ...[
      "%",
      "%zz",
      "%ff",
      "%c0%af",
      "%00",
      "a%0Ab",
      "a%0D%0AX: y",
      "%E2%80%AE%E2%80%AEgnp",
      "%ed%a0%80",
      "",
      "%20",
      "x".repeat(121),
    ].map((device): [string, Record<string, string>, string | null] => [
      `is not ${JSON.stringify(device.slice(0, 30))}`,
      { "tenantry-device": device, "user-agent": FIREFOX },
      "Firefox on Linux",
    ]),
  ];
  test.each(cases)("%s", async (_, headers, name) => {
    const { email } = await registerOwner(app);
    const { status, body } = await logInWith(email, headers);
    expect(status).toBe(200);
    expect(await nameOf(body.accessToken)).toBe(name);
  });

  test("of whatever user agent is one line that fits, or null", () => {
    const Agent = fc.oneof(
      fc.string({ maxLength: 512 }),
      fc
        .tuple(fc.string(), fc.constantFrom("/", " ", "Chrome/", "; "), fc.string())
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(Agent, (userAgent) => {
        const name = deviceName({
          device: null,
          userAgent,
          requestId: "",
          ip: null,
          language: null,
        });
        expect(name === null || (name.length > 0 && name.length <= 120)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("R19: a mail tells of a log-in from a new device", () => {
  const OFFICE = { "tenantry-device": "Laptop", ...from("198.51.100.7") };

  /** The mails of that kind that went to the address so far. */
  async function warnings(email: string) {
    return (await app.mail()).filter(
      ({ to, subject }) => to === email && /^New log-in/.test(subject),
    );
  }

  async function newOwner(headers = OFFICE) {
    const name = `d${crypto.randomUUID().slice(0, 8)}`;
    const json = {
      email: `${name}@devices.example`,
      password: PASSWORD,
      tenant: { name, slug: name },
    };
    const { body } = await app.call("POST /v1/auth/register", { json, headers });
    await proveAddress(app, body.user);
    return { id: body.user.id as string, email: json.email, tenantId: body.user.tenantId, ...body };
  }

  test("with browser and system, its address and the time, in the language of its reader", async () => {
    const { email, accessToken } = await newOwner();
    expect((await logInWith(email, { "user-agent": FIREFOX, ...from("203.0.113.9") })).status).toBe(
      200,
    );
    const [mail, ...others] = await warnings(email);
    expect(others).toEqual([]);
    for (const part of ["Firefox on Linux", "203.0.113.9", new Date().getUTCFullYear(), "UTC"])
      expect(mail?.text).toContain(String(part));

    const language = { language: "de" };
    await app.call("PATCH /v1/auth/me/profile", { token: accessToken, json: language });
    await logInWith(email, { "tenantry-device": "Noch eins", ...from("203.0.113.9") });
    expect((await app.lastMailTo(email)).text).toContain("Gerät: eine unbekannte App");
    expect((await app.lastMailTo(email)).subject).not.toContain("log-in");
  });

  test("not at registration, nor at the first log-in of somebody who was invited", async () => {
    const owner = await newOwner();
    const member = await createMember(app, owner);
    expect([...(await warnings(owner.email)), ...(await warnings(member.email))]).toEqual([]);
  });

  test.each([
    ["not for the same device at the same address", OFFICE, 0],
    ["for another device at the same address", { ...OFFICE, "tenantry-device": "Phone" }, 1],
    ["for the same device at another address", { ...OFFICE, ...from("198.51.100.8") }, 1],
    ["for a device that says nothing of itself", from("198.51.100.7"), 1],
  ])("%s", async (_, headers, count) => {
    const { email } = await newOwner();
    await logInWith(email, headers);
    await logInWith(email, headers);
    expect(await warnings(email)).toHaveLength(count);
  });

  test("not for another address of the same IPv6 network", async () => {
    const { email } = await newOwner({ ...OFFICE, ...from("2001:db8:1:2::1") });
    await logInWith(email, { ...OFFICE, ...from("2001:db8:1:2:ffff::9") });
    expect(await warnings(email)).toHaveLength(0);
    await logInWith(email, { ...OFFICE, ...from("2001:db8:1:3::1") });
    expect(await warnings(email)).toHaveLength(1);
  });

  test("also when the sessions of an account that nobody used are long gone", async () => {
    const { id, email } = await newOwner();
    await logInWith(email, OFFICE);
    await app.deps.db.session.deleteMany({ where: { accountId: id } });
    await logInWith(email, { "tenantry-device": "Phone", ...from(newAddress()) });
    expect(await warnings(email)).toHaveLength(1);
  });

  test("again, when its user has ended the session of such a device as a stranger's", async () => {
    const { email, accessToken } = await newOwner();
    const strange = { "tenantry-device": "Stranger's phone", ...from("203.0.113.9") };
    await logInWith(email, strange);
    await app.call("DELETE /v1/auth/sessions", { token: accessToken });
    await logInWith(email, strange);
    expect(await warnings(email)).toHaveLength(2);
  });

  test("not when the log-in fails", async () => {
    const { email } = await newOwner();
    const json = { email, password: "wrong" };
    await app.call("POST /v1/auth/login", { json, headers: from(newAddress()) });
    expect(await warnings(email)).toEqual([]);
  });

  test("R74: and what a device calls itself stands in the list of sessions alone", async () => {
    const { email } = await newOwner();
    const device = encodeURIComponent("https://evil.example {{link}} <b>&amp;");
    const agent = { "tenantry-device": device, "user-agent": "Evil/1.0 (evil.example)" };
    await logInWith(email, { ...agent, ...from(newAddress()) });
    const [mail] = await warnings(email);
    expect(mail?.text).toContain("Device: an app that we do not know\n");
    expect(`${mail?.text} ${mail?.html}`).not.toMatch(/evil/i);
  });
});
