/** `bun run doctor`: what may be wrong in the environment of an instance, one thing at a time. */
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { countRows } from "../../src/operations/backup/contents.ts";
import { judgeArchiver, judgeBackups } from "../../src/operations/doctor/archive.ts";
import { judgeClock } from "../../src/operations/doctor/database.ts";
import { checkBun } from "../../src/operations/doctor/machine.ts";
import { testApp } from "../support/app.ts";
import { runCommand } from "./command.ts";
import { passwordOf, patient } from "./patient.ts";

const app = testApp();
const it = patient(app);

test("nothing is wrong, nothing is changed, and nothing is sent", async () => {
  const client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  const before = await countRows(client, () => {});
  const { findings, wrong } = await it.examine();
  expect(wrong).toEqual([]);
  expect(findings.map(({ name }) => name)).toEqual([
    ...["bun", "configuration", "port", "mail", "database", "writing", "tls", "connections"],
    ...["clock", "login", "statements", "notifications", "migrations", "drift", "keys"],
    ...["archive_mode", "backup"],
  ]);
  expect(await countRows(client, () => {})).toEqual(before);
  await client.end();
  expect([it.mail.logIns, it.mail.mails]).toEqual([1, 0]);
});

test("as text: a line each, and what to do below what is wrong", async () => {
  const { out, code } = await runCommand("doctor", [], { ...it.env, SMTP_URL: "" });
  expect(code).toBe(1);
  expect(out).toMatch(/^ok {5}bun {12}1\.\d/m);
  expect(out).toMatch(/^WRONG {2}mail {11}SMTP_URL is not set.*\n {22}→ SMTP_URL/m);
  expect(out).toEndWith("\n1 thing is wrong.\n");
});

describe("what is wrong in the environment is found, and that alone:", () => {
  test.each<[string, () => Record<string, string>, string, string]>([
    [
      "a misspelt choice",
      () => ({ REGISTRATION: "close" }),
      "configuration",
      "REGISTRATION must be",
    ],
    ["no issuer", () => ({ ISSUER: "" }), "configuration", "ISSUER is required in production"],
    ["no folder of mails", () => ({ MAIL_TEMPLATES: it.folder }), "files", ""],
    [
      "a permissions file that is not there",
      () => ({ PERMISSIONS_FILE: join(it.folder, "none") }),
      "files",
      "",
    ],
    [
      "a host of another machine",
      () => ({ HOST: "192.0.2.1" }),
      "port",
      "Cannot listen on 192.0.2.1",
    ],
    [
      "a wrong password of the mail server",
      () => ({ SMTP_URL: it.env.SMTP_URL?.replace(it.mail.password, "wrong") ?? "" }),
      "mail",
      "535 at AUTH",
    ],
    [
      "a mail server that is not there",
      () => ({ SMTP_URL: "smtp://127.0.0.1:1" }),
      "mail",
      "ECONNREFUSED",
    ],
    [
      "TLS where the mail server has none",
      () => ({ SMTP_URL: it.env.SMTP_URL?.replace("smtp:", "smtps:") ?? "" }),
      "mail",
      "the port does not begin with TLS",
    ],
    [
      "a login that no policy holds",
      () => ({ DATABASE_URL: app.database.url }),
      "login",
      "row-level security does not hold",
    ],
    [
      "another SECRET_KEY",
      () => ({ SECRET_KEY: randomBytes(32).toString("base64") }),
      "keys",
      "SECRET_KEY opens none",
    ],
    [
      "a pool larger than the server",
      () => ({ DATABASE_POOL_SIZE: "1000" }),
      "connections",
      "an instance opens up to 1001",
    ],
    [
      "a database that does not answer",
      () => ({ DATABASE_URL: "postgresql://u:p-of-u@127.0.0.1:1/x" }),
      "database",
      "127.0.0.1:1 does not answer",
    ],
    [
      "a wrong password of the database",
      () => ({
        DATABASE_URL:
          it.env.DATABASE_URL?.replace(passwordOf(it.env.DATABASE_URL), "a-wrong-one") ?? "",
      }),
      "database",
      "password authentication failed",
    ],
  ])("%s", async (_name, change, name, what) => {
    const { wrong } = await it.examine(change());
    expect(wrong).toEqual([
      { name, state: "wrong", what: expect.stringContaining(what), advice: expect.any(String) },
    ]);
  });

  test("a port that another program has; one that an instance has is right", async () => {
    const here = { port: Number(it.env.PORT), hostname: "127.0.0.1" };
    const stranger = Bun.serve({
      ...here,
      fetch: () => Response.json({ status: "ok", of: "another" }, { status: 404 }),
    });
    const { wrong } = await it.examine();
    await stranger.stop(true);
    expect(wrong).toEqual([
      expect.objectContaining({ name: "port", what: expect.stringContaining("is taken") }),
    ]);
    const instance = Bun.serve({
      ...here,
      fetch: () => Response.json({ status: "ok" }),
    });
    const { findings } = await it.examine();
    await instance.stop(true);
    expect(findings.find(({ name }) => name === "port")).toMatchObject({ state: "ok" });
  });
});

test("clocks, archives, backups and versions are judged by numbers", () => {
  expect(checkBun("1.4.5").state).toBe("ok");
  expect(checkBun("1.3.9").state).toBe("wrong");
  expect(
    [judgeClock(900, 0), judgeClock(-3000, 0), judgeClock(6000, 0), judgeClock(6000, 5500)].map(
      ({ state }) => state,
    ),
  ).toEqual(["ok", "note", "wrong", "ok"]);
  expect(judgeClock(-6000, 0).what).toBe("6.0 s apart: this machine is ahead of the database");
  const early = new Date("2026-01-01");
  const late = new Date("2026-01-02");
  const archiver = (mode: string, archived: Date | null, failed: Date | null) =>
    judgeArchiver({ mode, archived, failed, wal: "00000001" }).state;
  expect(archiver("off", null, null)).toBe("note");
  expect(archiver("on", null, null)).toBe("note");
  expect(archiver("on", early, late)).toBe("wrong");
  expect(archiver("on", null, late)).toBe("wrong");
  expect(archiver("on", late, early)).toBe("ok");
  expect(
    judgeBackups(
      [
        { by: "x", at: early },
        { by: "y", at: late },
      ],
      new Date("2026-01-09"),
    ).state,
  ).toBe("ok");
  expect(judgeBackups([{ by: "x", at: early }], new Date("2026-01-10")).state).toBe("wrong");
});

test("--help tells the options; another one ends with 2", async () => {
  const help = await runCommand("doctor", ["--help"], {});
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("--backups FOLDER")]);
  const { code, err } = await runCommand("doctor", ["--backup", "x"], it.env);
  expect([code, err]).toEqual([2, expect.stringContaining("--backup")]);
});
