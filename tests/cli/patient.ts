/** What the tests of `bun run doctor` share: an instance's environment in which nothing is wrong, and a mail server. */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { examine } from "../../src/operations/doctor/doctor.ts";
import type { Finding } from "../../src/operations/doctor/finding.ts";
import { freePort } from "../mail/smtp-server.ts";
import { registerOwner, type TestApp } from "../support/app.ts";

const MAIL_PASSWORD = "a-secret-of-the-mail-server";

export type Patient = {
  env: Record<string, string>;
  /** Of the tests, and all of PATH: no pgbackrest and no barman of this machine. */
  folder: string;
  mail: { password: string; logIns: number; mails: number };
  /** What is found, with these variables beside the others. No finding shows a secret. */
  examine(change?: Record<string, string>, backups?: string): Promise<Found>;
};
type Found = { findings: Finding[]; wrong: Finding[] };

/** Filled in before the tests of a file. */
export function patient(app: TestApp): Patient {
  const mail = { password: MAIL_PASSWORD, logIns: 0, mails: 0 };
  const folder = mkdtempSync(join(tmpdir(), "tenantry-test-doctor-"));
  const smtpServer = createMailServer(mail);
  const env: Record<string, string> = {};
  beforeAll(async () => {
    await registerOwner(app);
    const port = await freePort();
    await new Promise<void>((resolve) => smtpServer.listen(port, "127.0.0.1", resolve));
    Object.assign(env, {
      ...{ ISSUER: "https://login.acme.example", APP_URL: "https://acme.example" },
      DATABASE_URL: app.database.appUrl,
      SECRET_KEY: app.deps.config.secretKey.toString("base64"),
      SMTP_URL: `smtp://mailer:${MAIL_PASSWORD}@127.0.0.1:${port}`,
      ...{ HOST: "127.0.0.1", PORT: String(await freePort()), PATH: folder },
    });
  });
  afterAll(async () => {
    await new Promise<void>((resolve) => smtpServer.close(() => resolve()));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...{ env, folder, mail },
    async examine(change = {}, backups) {
      const given = { ...env, ...change };
      const findings = await examine({ env: given, backups, progress: () => {} });
      const shown = JSON.stringify(findings);
      for (const secret of [MAIL_PASSWORD, given.SECRET_KEY, passwordOf(given.DATABASE_URL)])
        expect(shown).not.toContain(secret ?? "no secret");
      return { findings, wrong: findings.filter(({ state }) => state === "wrong") };
    },
  };
}

export function passwordOf(url = ""): string {
  return (URL.canParse(url) && decodeURIComponent(new URL(url).password)) || "no password";
}

function createMailServer(seen: Patient["mail"]): SMTPServer {
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    logger: false,
    onAuth({ username, password }, _session, done) {
      seen.logIns += 1;
      if (username === "mailer" && password === MAIL_PASSWORD) done(null, { user: username });
      else done(Object.assign(new Error("no"), { responseCode: 535 }));
    },
    onData(stream, _session, done) {
      seen.mails += 1;
      stream.resume();
      stream.on("end", () => done());
    },
  });
  server.on("error", () => {});
  return server;
}
