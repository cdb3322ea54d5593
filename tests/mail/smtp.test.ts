/** Mails over SMTP, to a real server: what arrives, what is tried again, and what is given up. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { Email } from "../../src/fields.ts";
import type { Mail, Proof } from "../../src/mail/mails.ts";
import { sendProof } from "../../src/mail/send.ts";
import { createTestApp, type TestApp } from "../support/app.ts";
import { freePort, parseMail, startSmtp, type TestSmtp } from "./smtp-server.ts";

const MAIL: Proof & Mail = {
  template: "magic_link",
  to: "ada@example.com",
  language: "de",
  link: "https://app.example.com/#token=s3cretLinkToken",
  code: "049152",
  minutes: 10,
};

let app: TestApp;
let smtp: TestSmtp;
beforeAll(async () => {
  smtp = await startSmtp();
  app = await createTestApp({
    SMTP_URL: smtp.url,
    MAIL_FROM: "Größe <no-reply@acme.example>",
    PRODUCT_NAME: "Größe",
  });
});
afterEach(async () => {
  smtp.deliveries.length = 0;
  smtp.refusals.length = 0;
  await app.deps.pool.query("DELETE FROM pgboss.job");
});
afterAll(async () => {
  await app.close();
  await smtp.close();
});

async function send({ to, language, ...mail }: Proof & Mail, on = app): Promise<void> {
  const origin = { requestId: "", ip: null, userAgent: null, language, device: null };
  await commit(on.deps, (tx) => sendProof(tx, { ...on.deps, origin }, { email: to }, mail));
  await on.mail();
}

async function job(on = app): Promise<{ id: string; state: string; output: unknown }> {
  const { rows } = await on.deps.pool.query(
    "SELECT id, state, output FROM pgboss.job WHERE name = 'mail'",
  );
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function retryNow(on = app): Promise<void> {
  await on.deps.pool.query("UPDATE pgboss.job SET start_after = now()");
  await on.mail();
}

test("a mail arrives with text, HTML and the headers of a machine's mail", async () => {
  await send(MAIL);
  expect(smtp.deliveries).toHaveLength(1);
  const [{ from, to, raw } = { from: "", to: [], raw: "" }] = smtp.deliveries;
  expect([from, to]).toEqual(["no-reply@acme.example", ["ada@example.com"]]);
  const { headers, parts } = parseMail(raw);
  expect(Object.fromEntries(headers)).toMatchObject({
    from: "=?UTF-8?Q?Gr=C3=B6=C3=9Fe?= <no-reply@acme.example>",
    to: "ada@example.com",
    subject: "=?UTF-8?Q?Anmeldung_bei_Gr=C3=B6=C3=9Fe?=",
    "auto-submitted": "auto-generated",
    "message-id": `<${(await job()).id}@acme.example>`,
  });
  expect([...parts.keys()]).toEqual(["text/plain", "text/html"]);
  expect(parts.get("text/plain")).toContain(`\n${MAIL.template === "magic_link" && MAIL.link}\n`);
  expect(parts.get("text/plain")).toContain("\n049152\n");
  expect(parts.get("text/plain")).toContain("Waren Sie das nicht, brauchen Sie nichts zu tun");
  expect(parts.get("text/html")).toContain('<html lang="de">');
  expect(app.deps.mailer.transport.inbox).toBeNull();
});

test("every address that is let in is taken by the mail server as it is", async () => {
  for (const typed of [
    "a&b/c=d{e|f}@bücher.example",
    "!#$%&'*+/=?^_`{|}~-@почта.рф",
    "ada@straße.example ",
  ]) {
    const to = Email.parse(typed);
    await send({ ...MAIL, to });
    const [delivery] = smtp.deliveries;
    // The server of the test shows A-labels as Unicode; the header is what was sent.
    expect(delivery?.to.map((each) => Email.parse(each))).toEqual([to]);
    expect(parseMail(delivery?.raw ?? "").headers.get("to")).toBe(to);
    smtp.deliveries.length = 0;
  }
});

test("twenty mails share the connections of the pool", async () => {
  const before = smtp.connections;
  for (let n = 0; n < 20; n++)
    await app.deps.jobs.send("mail", { ...MAIL, to: `user${n}@example.com` });
  await app.mail();
  expect(smtp.deliveries.flatMap(({ to }) => to).sort()).toHaveLength(20);
  expect(smtp.connections - before).toBeLessThanOrEqual(8);
});

test.each([
  { at: "rcpt", code: 450, text: "greylisted" },
  { at: "data", code: 451, text: "busy" },
  { at: "mail", code: 550, text: "this sender is not known here" },
] as const)("$code at $at is tried again, under the same Message-ID", async (refusal) => {
  smtp.refusals.push(refusal);
  await send(MAIL);
  expect(smtp.deliveries).toHaveLength(0);
  const { id, state } = await job();
  expect(state).toBe("retry");
  await retryNow();
  expect(smtp.deliveries).toHaveLength(1);
  const { headers } = parseMail(smtp.deliveries[0]?.raw ?? "");
  expect(headers.get("message-id")).toBe(`<${id}@acme.example>`);
  expect((await job()).state).toBe("completed");
});

test.each([
  { at: "rcpt", code: 550, text: "ada@example.com: no such user" },
  { at: "data", code: 554, text: "ada@example.com: refused by policy" },
] as const)("$code at $at is final, and what is kept of it names nobody", async (refusal) => {
  smtp.refusals.push(refusal);
  await send(MAIL);
  const { state, output } = await job();
  expect(state).toBe("failed");
  expect(JSON.stringify(output)).toContain(String(refusal.code));
  expect(JSON.stringify(output)).not.toMatch(/ada@|s3cret|049152/);
  await retryNow();
  expect(smtp.deliveries).toHaveLength(0);
});

test("a server that is away is tried again, and gets the mail when it is back", async () => {
  const port = await freePort();
  const other = await createTestApp({ SMTP_URL: `smtp://127.0.0.1:${port}` });
  try {
    await send(MAIL, other);
    expect((await job(other)).state).toBe("retry");
    const late = await startSmtp(port);
    await retryNow(other);
    expect(late.deliveries.map(({ to }) => to)).toEqual([["ada@example.com"]]);
    other.deps.mailer.transport.close();
    await late.close();
  } finally {
    await other.close();
  }
});

test("a link that has expired meanwhile is not sent any more", async () => {
  smtp.refusals.push({ at: "rcpt", code: 450, text: "greylisted" });
  await send(MAIL);
  await app.deps.pool.query("UPDATE pgboss.job SET created_on = now() - interval '11 minutes'");
  await retryNow();
  expect(smtp.deliveries).toHaveLength(0);
  expect((await job()).state).toBe("failed");
});

describe("what is kept of a failure tells its cause", () => {
  /** The fault of one mail at a server that says this to whoever comes. */
  async function faultAt(scheme: string, greeting: string | null, after = ""): Promise<string> {
    const port = await freePort();
    const says = (text: string) => (socket: { write(text: string): unknown }) => {
      socket.write(text);
    };
    const server =
      greeting === null
        ? null
        : Bun.listen({
            hostname: "127.0.0.1",
            port,
            socket: { open: says(greeting), data: says(after) },
          });
    const other = await createTestApp({ SMTP_URL: `${scheme}127.0.0.1:${port}` });
    try {
      await send(MAIL, other);
      return String(((await job(other)).output as { error: string }).error);
    } finally {
      await other.close();
      server?.stop(true);
    }
  }

  test("a port where nobody listens", async () => {
    expect(await faultAt("smtp://", null)).toMatch(
      /ESOCKET at CONN \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)$/,
    );
  });

  test("a port that has no TLS", async () => {
    const fault = await faultAt("smtps://", "220 hello\r\n");
    expect(fault).toContain("(the port does not begin with TLS: smtp:// in place of smtps://");
  });

  test("what is no mail server, and one that refuses the log-in, without their words", async () => {
    const other = await faultAt("smtp://", "HTTP/1.1 400 ada@example.com\r\n\r\n");
    expect(other).toEndWith("EPROTOCOL at CONN (Invalid greeting)");
    const refused = await faultAt(
      "smtp://ada:pw@",
      "220 hello\r\n250 AUTH PLAIN\r\n",
      "535 ada@example.com\r\n",
    );
    expect(refused).toMatch(/535 at AUTH PLAIN \(Invalid login\)$/);
  });
});

describe("headers cannot be written from within", () => {
  test.each([
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\nSubject: other",
    "ada@example.com, eve@example.com",
    "ada@example.com> <eve@example.com",
    "Ada <ada@example.com>, eve@example.com",
    "@example.com",
    "",
  ])("the address %p is not even tried", async (to) => {
    smtp.refusals.push({ at: "mail", code: 451, text: "not to be reached" });
    await send({ ...MAIL, to });
    expect(await job()).toMatchObject({
      state: "failed",
      output: { error: "PermanentFailure: the recipient is not one address" },
    });
    expect(smtp.refusals).toHaveLength(1);
  });

  test("a value in the subject stays in the subject", async () => {
    const hostile = await createTestApp({
      SMTP_URL: smtp.url,
      PRODUCT_NAME: "Acme\r\nBcc: eve@example.com\r\n\r\nbody",
    });
    try {
      await send(MAIL, hostile);
      expect(smtp.deliveries.map(({ to }) => to)).toEqual([["ada@example.com"]]);
      const { headers, parts } = parseMail(smtp.deliveries[0]?.raw ?? "");
      expect(headers.get("subject")).toBe("Anmeldung bei Acme Bcc: eve@example.com body");
      expect(headers.has("bcc")).toBe(false);
      expect(parts.size).toBe(2);
    } finally {
      await hostile.close();
    }
  });
});
