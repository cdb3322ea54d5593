/**
 * The costly requests, and a process that floods a server with one kind of them, so that its work is not in the times of
 * who measures: bun neighbours-load.ts '<Flood as JSON>' prints how many were answered with which status.
 */

/** Somebody who sends requests: an owner's token, members' tokens, and the addresses of accounts. */
export type Caller = {
  token: string;
  members: string[];
  /** Accounts 0 to `people` have a hash of ours, accounts `imported` of another system: PASSWORD for all. */
  domain: string;
  people: number;
  imported: number;
  /** The first two bytes of the addresses that they come from. */
  network: string;
};
type Request = { route: string; token?: string; body?: string; headers?: Record<string, string> };

export const PASSWORD = "correct horse battery staple";

const json = (value: unknown) => JSON.stringify(value);
const fresh = () => `${crypto.randomUUID()}@fresh.example`;
const key = () => ({ "idempotency-key": crypto.randomUUID() });
const people = (count: number, more = {}) =>
  Array.from({ length: count }, () => ({ email: fresh(), ...more }));
const logIn = (email: string) => ({
  route: "POST /v1/auth/login",
  body: json({ email, password: PASSWORD }),
});
const memberOf = ({ members }: Caller, n: number) => members[n % members.length] ?? "";

/** What is flooded, by who floods it and, modestly, by the neighbour. `n` counts the requests of one caller. */
export const KINDS: Record<string, (who: Caller, n: number, modest: boolean) => Request> = {
  "log-ins with imported hashes": (who, n) => logIn(`dear${n % who.imported}@${who.domain}`),
  "log-ins": (who, n) => logIn(`p${n % who.people}@${who.domain}`),
  searches: ({ token }, n) => ({ route: `GET /v1/users?search=p${n % 10}&sort=lastName`, token }),
  "pages with a total": ({ token }, n, modest) => ({
    route: `GET /v1/users?page=${modest ? 1 : 301 + (n % 200)}&limit=100`,
    token,
  }),
  "the audit log by a filter": ({ token }) => ({
    route: "GET /v1/audit-logs?action=nothing.has_this&limit=50",
    token,
  }),
  imports: ({ token }, _n, modest) => ({
    route: "POST /v1/users/import",
    token,
    headers: { "content-type": "application/x-ndjson", ...key() },
    body: people(modest ? 5 : 300)
      .map((row) => json(row))
      .join("\n"),
  }),
  exports: ({ token }) => ({ route: "GET /v1/users/export", token }),
  "users in bulk, with passwords": ({ token }, _n, modest) => ({
    route: "POST /v1/users/bulk",
    token,
    body: json({ operation: "create", items: people(modest ? 2 : 30, { password: PASSWORD }) }),
  }),
  "answers kept by key": ({ token }, _n, modest) => ({
    route: "POST /v1/users/bulk",
    token,
    headers: key(),
    body: json({ operation: "create", items: people(1).concat(faulty(modest ? 5 : 400)) }),
  }),
  // To the same one: a check and a hash, and the session goes on.
  "passwords changed": (who, n) => ({
    route: "POST /v1/auth/change-password",
    token: memberOf(who, n),
    body: json({ currentPassword: PASSWORD, newPassword: PASSWORD }),
  }),
};

function faulty(count: number): { email: string }[] {
  return Array.from({ length: count }, () => ({ email: "no address" }));
}

/** One address a flood, and another one the next time: limits by address must not hide what a flood does. */
function networkOf({ network }: Caller, from: number): string {
  return `${network}.${Math.floor(from / 250) % 250}.${1 + (from % 250)}`;
}

/** Answers the status, once the body is read; 0 when there is no answer. */
export async function send(
  url: string,
  request: Request,
  network: string,
  signal?: AbortSignal,
): Promise<number> {
  const [method = "GET", path = ""] = request.route.split(" ");
  try {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        "x-forwarded-for": network,
        ...(request.token && { authorization: `Bearer ${request.token}` }),
        ...(request.body && { "content-type": "application/json" }),
        ...request.headers,
      },
      ...(request.body && { body: request.body }),
      ...(signal && { signal }),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

export type Flood = {
  url: string;
  kind: string;
  who: Caller;
  connections: number;
  seconds: number;
  /** The first request's number: each account is asked for once. */
  from: number;
};

async function flood({ url, kind, who, connections, seconds, from }: Flood) {
  const until = performance.now() + seconds * 1000;
  // What waits at the end is left, so that it does not run into the next measurement.
  const signal = AbortSignal.timeout((seconds + 1.5) * 1000);
  const statuses: Record<number, number> = {};
  const network = networkOf(who, from);
  let n = from;
  const work = async () => {
    while (performance.now() < until) {
      const request = KINDS[kind]?.(who, n++, false);
      if (!request) throw new Error(`there is no kind ${kind}`);
      const status = await send(url, request, network, signal);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { statuses, next: n };
}

if (import.meta.main) {
  const answer = await flood(JSON.parse(process.argv[2] ?? "{}"));
  console.log(JSON.stringify(answer));
  process.exit(0);
}
