/** The ledger against the database: what was acknowledged is there, once, and nothing else is. */
import pg from "pg";
import { createCaller } from "./caller.ts";
import type { Certainty, Ledger, Made } from "./ledger.ts";
import { createRandom } from "./random.ts";
import type { World } from "./world.ts";

type Rows = Record<string, never>[];
type Ask = <Row = Rows[number]>(sql: string, values?: unknown[]) => Promise<Row[]>;

/** Each kind of what is made: where it is, and under which name. */
const WHERE: Record<Made["kind"], string> = {
  user: "SELECT id, email AS name FROM users WHERE email LIKE 'p%'",
  "service account": "SELECT id, first_name AS name FROM users WHERE kind = 'service'",
  "api key": "SELECT id, name FROM api_keys",
  invitation: "SELECT id, email AS name FROM invitations",
};

/** What holds whatever the clients were told. */
const ALWAYS: Record<string, string> = {
  "sessions with more than one unused refresh token":
    "SELECT session_id::text AS row FROM refresh_tokens WHERE used_at IS NULL GROUP BY session_id HAVING count(*) > 1",
  "users without the audit row of their making, or with two":
    "SELECT u.email AS row FROM users u WHERE u.email LIKE 'p%' AND (SELECT count(*) FROM audit_log WHERE action = 'user.created' AND resource_id = u.id) <> 1",
  "changes without their audit row, or audit rows without their change":
    "SELECT u.email AS row FROM users u WHERE u.email LIKE 'p%' AND u.version <> 1 + (SELECT count(*) FROM audit_log WHERE action IN ('user.updated', 'user.deleted') AND resource_id = u.id)",
  "log-ins without their session":
    "SELECT id::text AS row FROM audit_log WHERE action = 'auth.logged_in' AND NOT EXISTS (SELECT FROM sessions WHERE sessions.id IN (audit_log.session_id, audit_log.resource_id))",
};

/** Answers each breach as a line, and none when all is well. */
export async function verifyRows(world: World, ledger: Ledger): Promise<string[]> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  const ask: Ask = async (sql, values) => (await client.query(sql, values)).rows as never;
  try {
    return [
      ...(await made(ask, ledger)),
      ...(await people(ask, ledger)),
      ...(await sessions(ask, ledger)),
      ...(await always(ask)),
    ];
  } finally {
    await client.end();
  }
}

async function made(ask: Ask, ledger: Ledger): Promise<string[]> {
  const found = new Map<string, string[]>();
  for (const [kind, sql] of Object.entries(WHERE))
    for (const { id, name } of await ask<{ id: string; name: string }>(sql)) {
      const key = `${kind} ${name}`;
      found.set(key, [...(found.get(key) ?? []), id]);
    }
  const unknown = [...found.keys()].filter((key) => !ledger.made.has(key));
  return [
    ...unknown.map((key) => `${key}: in the database, and nobody asked for it`),
    ...[...ledger.made].flatMap(([key, { made: certainty, id }]) => {
      const ids = found.get(key) ?? [];
      if (!fits(certainty, ids.length))
        return [`${key}: made ${certainty}, and ${ids.length} in the database (${ids.join(", ")})`];
      return id !== null && id !== ids[0] ? [`${key}: told as ${id}, and it is ${ids[0]}`] : [];
    }),
  ];
}

function fits(certainty: Certainty, count: number): boolean {
  return certainty === "perhaps" ? count <= 1 : count === (certainty === "yes" ? 1 : 0);
}

async function people(ask: Ask, ledger: Ledger): Promise<string[]> {
  type Row = { id: string; name: string | null; gone: boolean; version: number };
  const rows = await ask<Row>(
    "SELECT id, last_name AS name, is_deleted AS gone, version FROM users WHERE id = ANY($1)",
    [[...ledger.people.keys()]],
  );
  return rows.flatMap(({ id, name, gone, version }) => {
    const person = ledger.people.get(id);
    if (!person) return [];
    const { deleted, names, changes, perhapsChanges } = person;
    const faults: string[] = [];
    if (!fits(deleted, gone ? 1 : 0)) faults.push(`deleted ${deleted}, and is ${gone}`);
    if (!names.includes(name)) faults.push(`${name} instead of ${names.join(" or ")}`);
    const made = version - 1 - (gone ? 1 : 0);
    if (made < changes || made > changes + perhapsChanges)
      faults.push(`${made} changes instead of ${changes} to ${changes + perhapsChanges}`);
    return faults.map((fault) => `user ${id}: ${fault}`);
  });
}

async function sessions(ask: Ask, ledger: Ledger): Promise<string[]> {
  type Row = { id: string; ended: boolean; reason: string | null };
  const rows = await ask<Row>(
    "SELECT id, revoked_at IS NOT NULL AS ended, revoked_reason AS reason FROM sessions",
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  const counted = await ask<{ email: string; n: number }>(
    "SELECT email, count(*)::int AS n FROM sessions JOIN accounts ON accounts.id = account_id GROUP BY email",
  );
  return [
    ...[...ledger.sessions].flatMap(([id, { ended }]) => {
      const row = found.get(id);
      if (!row) return [`session ${id}: acknowledged, and not there`];
      if (fits(ended, row.ended ? 1 : 0)) return [];
      return [`session ${id}: ended ${ended}, and is ${row.ended} (${row.reason})`];
    }),
    ...counted.flatMap(({ email, n }) => {
      const logins = ledger.logins.get(email);
      if (!logins || (n >= logins.answered && n <= logins.answered + logins.perhaps)) return [];
      const most = logins.answered + logins.perhaps;
      return [`${email}: ${n} sessions of ${logins.answered} to ${most} log-ins`];
    }),
  ];
}

async function always(ask: Ask): Promise<string[]> {
  const breaches: string[] = [];
  for (const [what, sql] of Object.entries(ALWAYS))
    for (const { row } of await ask<{ row: string }>(sql)) breaches.push(`${what}: ${row}`);
  return breaches;
}

/** What was given last for each session that nobody ended is taken, by every server. */
export async function verifyRefreshes(world: World, ledger: Ledger): Promise<string[]> {
  const caller = createCaller(world, ledger, createRandom(1));
  const breaches: string[] = [];
  for (const [id, { ended, refreshToken }] of ledger.sessions) {
    if (ended === "perhaps") continue;
    const answer = await caller.surely("POST /v1/auth/refresh", { json: { refreshToken } });
    const wanted = ended === "no" ? 200 : 401;
    if (answer?.status !== wanted)
      breaches.push(`refresh of session ${id}, ended ${ended}: ${JSON.stringify(answer)}`);
  }
  return breaches;
}

/** The chain of the audit log, by the command that operators run. */
export async function verifyAudit(world: World): Promise<string[]> {
  const child = Bun.spawn([process.execPath, "src/cli/audit.ts", "verify"], {
    env: { ...process.env, DATABASE_URL: world.databaseUrl, SECRET_KEY: world.secretKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return (await child.exited) === 0 ? [] : [`audit verify: ${out}${err}`];
}
