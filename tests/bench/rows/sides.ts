/** What the rows have in common: calls in somebody's name, and a load as one side of a row. */
import { isDeepStrictEqual } from "node:util";
import { idOf, userOfSession } from "../layout.ts";
import type { Call, Plan } from "../load/plan.ts";
import { sendLoad } from "../load/run.ts";
import type { Side } from "../measure.ts";
import type { Server } from "../servers.ts";
import type { World } from "../world.ts";

/** How many different people ask. */
const CALLERS = 64;

/** Sessions of members of many tenants. */
export function members({ layout }: World): number[] {
  return Array.from({ length: CALLERS }, (_, n) => layout.tenants.length + 1 + n);
}

/** The session of the owner of a tenant. The first tenant is the largest one. */
export function ownerOf(tenant: number): number[] {
  return [tenant];
}

type Asked = Omit<Call, "headers">;
type What = { sessions: number[]; asks: (n: number) => Asked; count?: number };

/** In turn by each of the sessions. Tokens are made anew each time: they live for minutes. */
export async function callsAsTenantry(world: World, { sessions, asks, count = CALLERS }: What) {
  const tokens = await Promise.all(sessions.map(world.mint));
  return callsWith(tokens, asks, count);
}

/** The same to the bare server, which believes an id. */
export function callsAsBare(world: World, { sessions, asks, count = CALLERS }: What): Call[] {
  const ids = sessions.map((session) => idOf("user", userOfSession(world.layout, session)));
  return callsWith(ids, asks, count);
}

function callsWith(tokens: string[], asks: What["asks"], count: number): Call[] {
  return Array.from({ length: count }, (_, n) => ({
    ...asks(n),
    headers: {
      authorization: `Bearer ${tokens[n % tokens.length]}`,
      "x-forwarded-for": "10.0.0.1",
    },
  }));
}

type Sent = Partial<Plan> & { calls: Call[] };

/** A server under full load for a round, with what is sent to it made before. */
export function side(
  world: World,
  name: string,
  server: () => Promise<Server>,
  make: (server: Server) => Sent | Promise<Sent>,
): Side {
  return {
    name,
    async run() {
      const running = await server();
      return sendLoad(planOf(world, running, await make(running)));
    },
  };
}

export function planOf({ options, database }: World, { port, pid }: Server, sent: Sent): Plan {
  const { connections, seconds, warmUpSeconds } = options;
  const processes = { server: pid, database: database.pid };
  return { port, connections, seconds, warmUpSeconds, status: 200, processes, ...sent };
}

type Asking = { server: Server; call: Call | undefined };

/** @throws Error when two servers answer differently, with both answers. */
export async function assertSameAnswer(one: Asking, other: Asking): Promise<void> {
  const [ours, beside] = await Promise.all([ask<unknown>(one), ask<unknown>(other)]);
  if (isDeepStrictEqual(ours, beside)) return;
  const shown = [ours, beside].map((answer) => JSON.stringify(answer).slice(0, 1500));
  throw new Error(`two answers that ought to be the same are not:\n${shown.join("\n")}`);
}

/** The body of one answer. @throws Error for another status than 200. */
export async function ask<Body>({ server, call }: Asking): Promise<Body> {
  if (!call) throw new Error("there is nothing to ask");
  const [method, path] = call.route.split(" ");
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    headers: {
      ...call.headers,
      ...(call.body !== undefined && { "content-type": "application/json" }),
    },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
  } as RequestInit);
  if (answer.status !== 200)
    throw new Error(`${call.route}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Body;
}
