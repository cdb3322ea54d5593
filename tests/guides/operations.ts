/**
 * docs/guides/operations.md, each of its files run as it stands, in its order, on a server of its own. What is not a
 * test's to do it does in the place of others: systemd's part (service-manager.ts), a certificate authority's, cron's.
 * Paths and ports are others than those of the guide, and nothing else is. It needs the Debian packages curl, haproxy, jq,
 * openssl and postgresql-client:
 *   bun test ./tests/guides/operations.ts
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../mail/smtp-server.ts";
import { serverOfVersion, stopServers, type Version } from "../support/versions.ts";
import { filesOf } from "./guide.ts";
import { createServiceManager, type ServiceManager } from "./service-manager.ts";

setDefaultTimeout(300_000);

const ROOT = join(import.meta.dir, "..", "..");
const files = filesOf("operations.md");
/** Debian puts haproxy where ordinary users do not look. */
const PATHS = `/usr/sbin:${process.env.PATH}`;
const home = mkdtempSync(join(tmpdir(), "tenantry-operations-"));
const at = (...parts: string[]) => join(home, ...parts);

let admin: URL;
let ports: number[];
let places: [string, string][];
let services: ServiceManager;
let proxied: string;
const told: string[] = [];
const webhook = Bun.serve({
  port: 0,
  async fetch(request) {
    told.push(Object(await request.json()).text);
    return new Response();
  },
});

beforeAll(async () => {
  const [, major] = /\) (\d+)/.exec((await run(["pg_dump", "--version"])).output) ?? [];
  admin = new URL(await serverOfVersion(Number(major) as Version));
  ports = [await freePort(), await freePort(), await freePort()];
  const [one = 0, two = 0, front = 0] = ports;
  places = [
    ["/usr/local/bin/bun", at("bin", "bun")],
    ["/etc/tenantry", at("etc")],
    ["/etc/haproxy", at("etc")],
    ["/opt/tenantry", at("opt")],
    ["/var/backups/tenantry", at("backups")],
    ["/var/lib/tenantry", at("state")],
    [
      "id.example.com:443:127.0.0.1 https://id.example.com",
      `id.example.com:${front}:127.0.0.1 https://id.example.com:${front}`,
    ],
    ["bind :443", `bind 127.0.0.1:${front}`],
    ["3001", String(one)],
    ["3002", String(two)],
  ];
  proxied = `https://127.0.0.1:${front}`;
  mkdirSync(at("etc"));
  writeFiles();
  copyRepository();
  await makeCertificate("60");
  services = createServiceManager(
    () => readFileSync(at("etc", "tenantry@.service"), "utf8"),
    [Bun.which("haproxy", { PATH: PATHS }) ?? "haproxy", "-db", "-f", at("etc", "haproxy.cfg")],
  );
  makePrograms();
});
afterAll(async () => {
  await services?.end();
  await webhook.stop(true);
  await stopServers();
  rmSync(home, { recursive: true, force: true });
});

test("makes a database and secrets that root alone reads", async () => {
  await step("prepare.sh", { ADMIN_URL: admin.href, DATABASE_AT: admin.host });
  for (const name of ["owner.env", "backup.env", "server.env"])
    expect(statSync(at("etc", name)).mode & 0o777).toBe(0o600);
  expect(readFileSync(at("etc", "server.env"), "utf8")).not.toMatch(/tenantry_(owner|backup)/);
});

test("installs, migrates, makes the login and finds no drift; a second time too", async () => {
  const first = await step("release.sh");
  expect(first).toContain("All migrations have been successfully applied");
  expect(first).toContain("The login tenantry_server is ready");
  expect(first).toContain("no drift");
  expect(await step("release.sh")).toContain("No pending migrations to apply");
});

test("starts two instances and a proxy in front of them", async () => {
  expect(await step("start.sh")).toStartWith('{"status":"ok"}{"status":"ok"}');
  await step("proxy.sh");
  await until(async () => (await ask("/health/ready")) === 200);
  const registered = await fetch(`${proxied}/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": "203.0.113.9" },
    body: JSON.stringify({
      email: "ada@lovelace.example",
      password: "correct horse battery staple",
      tenant: { name: "Lovelace", slug: "lovelace" },
    }),
    tls: { rejectUnauthorized: false },
  });
  expect(registered.status).toBe(201);
});

test("replaces both under load, and no request is lost", async () => {
  const answers = new Map<string, number>();
  let going = true;
  const clients = Array.from({ length: 8 }, async () => {
    while (going) {
      const answer = await ask("/.well-known/jwks.json").catch((err) => String(err));
      answers.set(String(answer), (answers.get(String(answer)) ?? 0) + 1);
      await Bun.sleep(5);
    }
  });
  await step("replace.sh");
  going = false;
  await Promise.all(clients);
  expect([...answers.keys()]).toEqual(["200"]);
  expect(answers.get("200")).toBeGreaterThan(500);
  expect(services.statuses).toEqual([0, 0]);
});

test("backs up, and restores what it backed up on trial", async () => {
  await step("backup.sh");
  const names = readdirSync(at("backups"));
  expect(names.sort()).toEqual([
    expect.stringMatching(/^\d{8}-\d{6}\.dump$/),
    expect.stringMatching(/^\d{8}-\d{6}\.dump\.json$/),
  ]);
  for (const name of names) expect(statSync(at("backups", name)).mode & 0o777).toBe(0o600);
  const output = await step("try-restore.sh");
  for (const check of ["schema", "rows", "audit log"]) expect(output).toContain(`ok     ${check}`);
  // It leaves nothing behind, and can be run again.
  await step("try-restore.sh");
});

test("a backup that cannot be restored fails the trial, which leaves nothing behind", async () => {
  const broken = at("backups", "99999999-000000.dump");
  const [whole = ""] = readdirSync(at("backups")).sort();
  cpSync(at("backups", `${whole}.json`), `${broken}.json`);
  const bytes = readFileSync(at("backups", whole));
  writeFileSync(broken, bytes.subarray(0, bytes.length / 2));
  expect((await run(["bash", at("etc", "try-restore.sh")])).status).not.toBe(0);
  for (const file of [broken, `${broken}.json`]) rmSync(file);
  await step("try-restore.sh");
});

test("tells once what is wrong, and once that it is over", async () => {
  const [one = 0, two = 0] = ports;
  const ALERT_URL = webhook.url.href;
  const alert = () => step("alert.sh", { ALERT_URL });
  await alert();
  expect(told).toEqual([]);

  await services.stop(one);
  await alert();
  await alert();
  expect(told.splice(0)).toEqual([`Instance ${one} is not ready. `]);
  // The other one still serves.
  expect(await ask("/health/ready")).toBe(200);

  await services.stop(two);
  const [name = ""] = readdirSync(at("backups")).sort();
  const yesterday = new Date(Date.now() - 27 * 3_600_000);
  utimesSync(at("backups", name), yesterday, yesterday);
  await makeCertificate("10");
  await alert();
  expect(told.splice(0)).toEqual([
    `Instance ${one} is not ready. Instance ${two} is not ready. The proxy does not answer. The certificate ends within 14 days. The newest backup is older than 26 hours. `,
  ]);

  await makeCertificate("60");
  await step("start.sh");
  await step("proxy.sh");
  await step("backup.sh");
  await until(async () => (await ask("/health/ready")) === 200);
  // What could not be told is told the next time.
  expect(
    (await run(["bash", at("etc", "alert.sh")], { ALERT_URL: "http://127.0.0.1:1/" })).status,
  ).not.toBe(0);
  await alert();
  await alert();
  expect(told).toEqual(["All is well again."]);
});

test("cron runs what the guide has", () => {
  const cron = files.get("tenantry.cron") ?? "";
  const scripts = [...cron.matchAll(/ root bash \/etc\/tenantry\/(\S+)$/gm)].map(
    ([, name = ""]) => name,
  );
  expect(scripts).toEqual(["backup.sh", "try-restore.sh", "alert.sh"]);
  for (const name of scripts) expect([...files.keys()]).toContain(name);
});

/** Runs a file of the guide. @throws Error with what it has printed, when it fails. */
async function step(name: string, env: Record<string, string> = {}): Promise<string> {
  const { status, output } = await run(["bash", at("etc", name)], env);
  if (status !== 0) throw new Error(`${name} ended with ${status}:\n${output}`);
  return output;
}

async function run(command: string[], env: Record<string, string> = {}) {
  const PATH = `${at("bin")}:${PATHS}`;
  const child = Bun.spawn(command, {
    env: { HOME: home, PATH, CURL_CA_BUNDLE: at("etc", "ca.pem"), ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { status, output: out + err };
}

async function ask(path: string): Promise<number> {
  const answer = await fetch(`${proxied}${path}`, { tls: { rejectUnauthorized: false } });
  await answer.bytes();
  return answer.status;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (
    const deadline = Date.now() + 30_000;
    !(await holds().catch(() => false));
    await Bun.sleep(100)
  )
    if (Date.now() > deadline) throw new Error("it did not come about within 30 seconds");
}

/** All places at once: a port of this machine may have another one of the guide's among its digits. */
function writeFiles(): void {
  const here = new Map(places);
  const known = new RegExp([...here.keys()].map((from) => RegExp.escape(from)).join("|"), "g");
  for (const [name, text] of files)
    writeFileSync(
      at("etc", name),
      text.replace(known, (found) => here.get(found) ?? found),
    );
}

/** As a clone has it, without what is installed or made. */
function copyRepository(): void {
  const folders = new Bun.Glob("{src,packages,prisma,migrations-sql,mail-templates}/**/*");
  const names = [...folders.scanSync({ cwd: ROOT }), ...new Bun.Glob("*").scanSync({ cwd: ROOT })];
  for (const name of names.filter((path) => !/(^|\/)(node_modules|dist)\//.test(path)))
    cpSync(join(ROOT, name), at("opt", name));
}

/** Of a name alone, for so many days, by nobody whom others trust. */
async function makeCertificate(days: string): Promise<void> {
  const made = await run([
    ...[
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
    ],
    ...[
      "-subj",
      "/CN=id.example.com",
      "-addext",
      "subjectAltName=DNS:id.example.com",
      "-days",
      days,
    ],
    ...["-keyout", at("etc", "key.pem"), "-out", at("etc", "ca.pem")],
  ]);
  if (made.status !== 0) throw new Error(made.output);
  const both = [readFileSync(at("etc", "ca.pem")), readFileSync(at("etc", "key.pem"))];
  writeFileSync(at("etc", "tls.pem"), Buffer.concat(both));
}

/** Bun under its two names, as npm installs it, and systemctl. */
function makePrograms(): void {
  mkdirSync(at("bin"));
  for (const name of ["bun", "bunx"]) symlinkSync(process.execPath, at("bin", name));
  writeFileSync(at("bin", "systemctl"), `#!/bin/sh\nexec curl -fsS --data "$*" ${services.url}\n`);
  chmodSync(at("bin", "systemctl"), 0o755);
}
