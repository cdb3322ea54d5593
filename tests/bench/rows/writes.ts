/** Requests that write, or hash. Each round has accounts and sessions that no other one has used. */
import { join } from "node:path";
import { addressOf, emailOf, refreshTokenOf, scattered, userOfSession } from "../layout.ts";
import type { Call, Load } from "../load/plan.ts";
import { runProcess, sendLoad } from "../load/run.ts";
import type { Fact, Row, Side } from "../measure.ts";
import type { HashPlan } from "../peers/argon2.ts";
import { PASSWORD, type World } from "../world.ts";
import { callsAsTenantry, members, ownerOf, planOf, side } from "./sides.ts";
import { countStatements } from "./statements.ts";

/** More than anything here does in a second: of log-ins, and of users made. */
const LOGINS = 600;
const CREATIONS = 4000;
/** Not the one in which the lists and the search are measured. */
const GROWING_TENANT = 3;
/** Between two cheap requests of the one connection that asks for them while others log in. */
const CHEAP_PAUSE_MILLIS = 20;

const login: Row = {
  key: "login",
  title: "`POST /v1/auth/login`, limits on",
  note: "ours are argon2id m=19456 t=2 p=1, those of Better Auth scrypt N=16384 r=16 p=1: mostly hashes are compared.",
  ratios: [
    { key: "login-argon2", against: "argon2 alone", goal: 0.95 },
    { key: "login-better-auth", against: "Better Auth", goal: 8 },
  ],
  async sides(world) {
    return [
      { name: "Tenantry", run: () => logInAndAskMeanwhile(world) },
      { name: "argon2 alone", run: () => hashAlone(world) },
      side(
        world,
        "Better Auth",
        () => world.betterAuth("database"),
        ({ port }) => ({
          calls: logins(world, (email) => ({
            route: "POST /api/auth/sign-in/email",
            headers: { origin: `http://127.0.0.1:${port}` },
            body: { email, password: PASSWORD },
          })),
        }),
      ),
    ];
  },
};

/** Somebody else asks something cheap all the while: how long they wait is what a busy log-in costs the others. */
async function logInAndAskMeanwhile(world: World): Promise<Load & { meanwhileP99Millis: number }> {
  const server = await world.tenantry();
  const check = { route: "POST /v1/auth/check", body: { permissions: ["user:read"] } };
  const cheap = await callsAsTenantry(world, { sessions: members(world), asks: () => check });
  const [load, meanwhile] = await Promise.all([
    sendLoad(planOf(world, server, { calls: tenantryLogins(world) })),
    sendLoad(
      planOf(world, server, { calls: cheap, connections: 1, pauseMillis: CHEAP_PAUSE_MILLIS }),
    ),
  ]);
  return { ...load, meanwhileP99Millis: meanwhile.p99Millis };
}

export function tenantryLogins(world: World): Call[] {
  return logins(world, (email, from) => ({
    route: "POST /v1/auth/login",
    headers: { "x-forwarded-for": from },
    body: { email, password: PASSWORD },
  }));
}

function logins(world: World, call: (email: string, from: string) => Call): Call[] {
  const { seconds, warmUpSeconds } = world.options;
  const count = Math.ceil((seconds + warmUpSeconds) * LOGINS);
  const first = world.take("login", count);
  return Array.from({ length: count }, (_, n) => {
    const user = scattered(world.layout, first + n);
    return call(emailOf(user), addressOf(user));
  });
}

function hashAlone({ options, passwordHash }: World): Promise<Load> {
  const { seconds, warmUpSeconds } = options;
  const plan: HashPlan = { hash: passwordHash, password: PASSWORD, seconds, warmUpSeconds };
  return runProcess([join(import.meta.dir, "..", "peers", "argon2.ts")], plan);
}

const refresh: Row = {
  key: "refresh",
  title: "`POST /v1/auth/refresh`",
  note: "the bare statement writes the same rows; its answer has an access token only where it is said that it signs too.",
  ratios: [
    { key: "refresh", against: "bare statement", goal: 0.8 },
    { key: "refresh-signed", against: "bare statement, signing too", goal: 0.8 },
  ],
  async sides(world) {
    return [
      refreshing(world, "Tenantry", world.tenantry, "/v1/auth/refresh"),
      refreshing(world, "bare statement", world.bare, "/refresh"),
      refreshing(world, "bare statement, signing too", world.bare, "/refresh-signed"),
    ];
  },
};

/** Each connection goes on with the successor of its own token. */
function refreshing(world: World, name: string, server: World["bare"], path: string): Side {
  return side(world, name, server, () => ({
    calls: refreshes(world, path),
    followRefreshToken: true,
  }));
}

export function refreshes(world: World, path = "/v1/auth/refresh"): Call[] {
  const count = world.options.connections;
  const first = world.take("session", count);
  if (first + count > world.options.sessions) throw new Error("more --sessions are needed");
  return Array.from({ length: count }, (_, n) => ({
    route: `POST ${path}`,
    headers: { "x-forwarded-for": addressOf(userOfSession(world.layout, first + n)) },
    body: { refreshToken: refreshTokenOf(first + n) },
  }));
}

const create: Row = {
  key: "create",
  title: "`POST /v1/users`, without a password",
  async sides(world) {
    const { seconds, warmUpSeconds } = world.options;
    return [
      side(world, "Tenantry", world.tenantry, async () => ({
        calls: await creations(world, Math.ceil((seconds + warmUpSeconds) * CREATIONS)),
        status: 201,
        once: true,
      })),
    ];
  },
  async facts(world): Promise<Fact[]> {
    const statements = await countStatements(world, (count) => creations(world, count));
    return [{ what: "statements to create a user", value: statements, unit: "", goal: "≤ 5" }];
  },
};

export function creations(world: World, count: number): Promise<Call[]> {
  const first = world.take("user", count);
  const asks = (n: number) => ({
    route: "POST /v1/users",
    body: {
      email: `made${first + n}@bench.example`,
      firstName: "Ada",
      lastName: `Made${first + n}`,
    },
  });
  return callsAsTenantry(world, { sessions: ownerOf(GROWING_TENANT), asks, count });
}

export const WRITES: Row[] = [login, refresh, create];
