/** R74: nobody keeps others from their links. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { acrossTenants as inScopeOfAll } from "../../src/db/scope.ts";
import { createJobHandlers } from "../../src/job-handlers.ts";
import { EXAMPLES } from "../../src/mail/content.ts";
import type { Notice } from "../../src/mail/mails.ts";
import { sendProof, tellUser } from "../../src/mail/send.ts";
import { startSmtp, type TestSmtp } from "../mail/smtp-server.ts";
import { createTestApp, randomName, type TestApp } from "../support/app.ts";

describe("through a mail server that takes its time", () => {
  const NOTICE: Notice = { template: "password_changed" };
  const LINK = "https://app.example.com/#token=x";
  let app: TestApp;
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    await app.served.jobs.start(createJobHandlers(app.served));
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });

  const origin = { requestId: "", ip: null, userAgent: null, language: "en", device: null };
  const notify = (email: string) =>
    commit(app.served, (tx) =>
      tellUser(tx, { ...app.served, origin }, {}, NOTICE, { email, verified: true }),
    );
  const prove = (email: string) =>
    commit(app.served, (tx) =>
      sendProof(tx, { ...app.served, origin }, { email }, { ...EXAMPLES.magic_link, link: LINK }),
    );

  /** Seconds from its commit until a link has arrived. */
  async function delayOfLink(): Promise<number> {
    const to = `${randomName()}@quick.example`;
    await prove(to);
    const start = performance.now();
    while (!smtp.deliveries.some((delivery) => delivery.to.includes(to))) {
      if (performance.now() - start > 30_000) throw new Error("no link in 30 s");
      await Bun.sleep(20);
    }
    return (performance.now() - start) / 1000;
  }

  test("R74: eight hundred notices do not delay a link by more than two seconds", async () => {
    smtp.delayMillis = () => 150;
    await inScopeOfAll(async () => {
      for (let n = 0; n < 800; n += 8)
        await Promise.all(
          Array.from({ length: 8 }, (_, at) =>
            notify(`reader${n + at}@domain${(n + at) % 9}.example`),
          ),
        );
    });
    const delays = [
      await inScopeOfAll(delayOfLink),
      await inScopeOfAll(delayOfLink),
      await inScopeOfAll(delayOfLink),
    ];
    expect(await waiting("notice")).toBeGreaterThan(300);
    expect(Math.max(...delays)).toBeLessThan(2);
    await app.deps.pool.query("DELETE FROM pgboss.job WHERE state = 'created'");
  }, 90_000);

  test("R74: nor do hundreds of invitations, which nobody who reads them has asked for", async () => {
    smtp.delayMillis = () => 150;
    await inScopeOfAll(() =>
      commit(app.served, async (tx) => {
        for (let n = 0; n < 300; n++) {
          const email = `reader${n}@domain${n % 9}.example`;
          await sendProof(tx, { ...app.served, origin }, { email }, EXAMPLES.invitation);
        }
      }),
    );
    const delays = [await inScopeOfAll(delayOfLink), await inScopeOfAll(delayOfLink)];
    expect(await waiting("mail")).toBeGreaterThan(100);
    expect(Math.max(...delays)).toBeLessThan(2);
    await app.deps.pool.query("DELETE FROM pgboss.job WHERE state = 'created'");
  });

  test("R74: nor do links for a domain whose server is slow", async () => {
    smtp.delayMillis = (to) => (to.endsWith("@slow.example") ? 6000 : 0);
    await inScopeOfAll(async () => {
      for (let n = 0; n < 20; n++) await prove(`reader${n}@slow.example`);
    });
    await Bun.sleep(500);
    const delays = [await inScopeOfAll(delayOfLink), await inScopeOfAll(delayOfLink)];
    expect(Math.max(...delays)).toBeLessThan(2);
    await app.deps.pool.query("DELETE FROM pgboss.job WHERE state = 'created'");
  });

  async function waiting(queue: string): Promise<number> {
    const { rows } = await app.deps.pool.query(
      "SELECT count(*)::int AS n FROM pgboss.job WHERE name = $1 AND state = 'created'",
      [queue],
    );
    return rows[0].n;
  }
});
