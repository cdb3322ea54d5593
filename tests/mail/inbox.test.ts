/** Where mails go without a mail server: into the inbox of developers and tests, and in production nowhere. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { createJobHandlers } from "../../src/job-handlers.ts";
import { EXAMPLES } from "../../src/mail/content.ts";
import { sendProof } from "../../src/mail/send.ts";
import { createTestApp, type TestApp } from "../support/app.ts";

const PUBLIC = { ISSUER: "https://id.example.com", APP_URL: "https://app.example.com" };
const ADA = { to: "ada@example.com", language: "en" };
const origin = { requestId: "", ip: null, userAgent: null, language: "en", device: null };

async function send(app: TestApp, ...to: string[]): Promise<void> {
  await commit(app.deps, async (tx) => {
    for (const address of to)
      await sendProof(
        tx,
        { ...app.deps, origin },
        { email: address },
        { ...EXAMPLES.invitation, tenant: "<script>alert(1)</script>" },
      );
  });
  await app.mail();
}

describe("in development", () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await createTestApp({ NODE_ENV: "development" });
  });
  afterAll(() => app.close());

  test("an empty inbox says so", async () => {
    const { status, body } = await app.call("GET /dev/mail");
    expect([status, body]).toEqual([200, expect.stringContaining("There is none yet")]);
    expect((await app.call("GET /dev/mail.json")).body).toEqual([]);
  });

  test("the page and the JSON have every mail, the newest first", async () => {
    await send(app, "ada@example.com", "grace@example.com");
    const { body } = await app.call("GET /dev/mail.json");
    expect(body.map(({ to }: { to: string }) => to)).toEqual([
      "grace@example.com",
      "ada@example.com",
    ]);
    expect(body[0]).toEqual({
      id: expect.any(String),
      to: "grace@example.com",
      subject: "You are invited to <script>alert(1)</script>",
      text: expect.stringContaining("join <script>alert(1)"),
      html: expect.stringContaining("join &lt;script&gt;alert(1)"),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const page = await app.call("GET /dev/mail");
    expect(page.body.indexOf("grace@example.com")).toBeLessThan(
      page.body.indexOf("to ada@example.com"),
    );
  });

  test("the page runs no script and loads nothing, nor does a mail that it shows", async () => {
    const { headers, body } = await app.call("GET /dev/mail");
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toStartWith("default-src 'none';");
    expect(policy).not.toMatch(/script-src|unsafe-eval|\*|https?:/);
    expect(headers.get("content-type")?.toLowerCase()).toBe("text/html; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).not.toMatch(/<script|<img|<link|src=/i);
    const frames = body.match(/<iframe[^>]*>/g) ?? [];
    expect(frames).toHaveLength(2);
    for (const frame of frames)
      expect(frame).not.toMatch(/allow-scripts|allow-same-origin|allow-forms/);
  });

  test("the last hundred are kept", async () => {
    await send(app, ...Array.from({ length: 101 }, (_, n) => `user${n}@example.com`));
    const { body } = await app.call("GET /dev/mail.json");
    expect(body).toHaveLength(100);
    const addresses = new Set(body.map(({ to }: { to: string }) => to));
    expect(addresses.has("ada@example.com")).toBe(false);
    expect(addresses.size).toBe(100);
  });
});

test("in development with a mail server the page says where mails are", async () => {
  const app = await createTestApp({ NODE_ENV: "development", SMTP_URL: "smtp://127.0.0.1:1" });
  try {
    expect((await app.call("GET /dev/mail")).body).toContain("SMTP_URL is set");
    expect((await app.call("GET /dev/mail.json")).body).toEqual([]);
  } finally {
    await app.close();
  }
});

test.each(["test", "production"])("in %s nobody can read mails", async (environment) => {
  const app = await createTestApp({ ...PUBLIC, NODE_ENV: environment });
  try {
    for (const path of ["/dev/mail", "/dev/mail.json", "/dev"])
      expect([path, (await app.call(`GET ${path}`)).status]).toEqual([path, 404]);
  } finally {
    await app.close();
  }
});

test("production without SMTP_URL warns at start, and leaves mails to an instance that has it", async () => {
  const lines: string[] = [];
  const stdout = spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  try {
    const app = await createTestApp({
      ...PUBLIC,
      NODE_ENV: "production",
      LOG_LEVEL: "warn",
    });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        time: expect.any(String),
        level: "warn",
        message: "SMTP_URL is not set: mails are left to instances that have it",
      },
    ]);
    lines.length = 0;
    for (const queue of ["mail", "notice"] as const)
      await app.deps.jobs.send(queue, { ...EXAMPLES.reset_password, ...ADA });
    expect(await app.mail()).toEqual([]);
    expect(lines).toEqual([]);
    const states = async () => {
      const { rows } = await app.deps.pool.query(
        "SELECT name, state::text, keep_until - created_on = '2 days' AS bounded FROM pgboss.job WHERE name IN ('mail', 'notice') ORDER BY name",
      );
      return rows;
    };
    const waits = { state: "created", bounded: true };
    expect(await states()).toEqual([
      { name: "mail", ...waits },
      { name: "notice", ...waits },
    ]);

    // One that can deliver takes them.
    const delivered: string[] = [];
    const transport = {
      ...app.served.mailer.transport,
      delivers: true,
      send: async ({ to }: { to: string }) => void delivered.push(to),
    };
    const able = { ...app.served, mailer: { ...app.served.mailer, transport } };
    await app.deps.jobs.drain(createJobHandlers(able));
    expect(delivered).toEqual([ADA.to, ADA.to]);
    expect((await states()).map(({ state }) => state)).toEqual(["completed", "completed"]);
    await app.close();
  } finally {
    stdout.mockRestore();
  }
});
