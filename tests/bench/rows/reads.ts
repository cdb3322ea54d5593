/** Requests that change nothing. */
import { idOf } from "../layout.ts";
import { bareRoute, type Row, type Side } from "../measure.ts";
import { PASSWORD, type World } from "../world.ts";
import {
  ask,
  assertSameAnswer,
  callsAsBare,
  callsAsTenantry,
  members,
  ownerOf,
  side,
} from "./sides.ts";

const CHECK = { route: "POST /v1/auth/check", body: { permissions: ["user:read"] } };
const LARGEST = 1;
const BARE = "bare pg";

type Asks = (n: number) => { route: string };
type Reading = {
  key: string;
  title: string;
  goal: number;
  sessions: (world: World) => number[];
  asks: (world: World) => Asks | Promise<Asks>;
};

/** Ours beside a bare server that answers the same from one statement. */
function reading({ key, title, goal, sessions, asks }: Reading): Row {
  const what = async (world: World) => ({ sessions: sessions(world), asks: await asks(world) });
  return {
    key,
    title,
    ratios: [{ key, against: BARE, goal }],
    async sides(world) {
      const asked = await what(world);
      return [
        side(world, "Tenantry", world.tenantry, async () => ({
          calls: await callsAsTenantry(world, asked),
        })),
        side(world, BARE, world.bare, () => ({ calls: callsAsBare(world, asked) })),
      ];
    },
    async compare(world) {
      const asked = await what(world);
      await assertSameAnswer(
        { server: await world.tenantry(), call: (await callsAsTenantry(world, asked))[0] },
        { server: await world.bare(), call: callsAsBare(world, asked)[0] },
      );
    },
  };
}

const check: Row = {
  key: "check",
  title: "`POST /v1/auth/check`, beside a route with nothing behind it",
  ratios: [{ key: "check", against: "bare route", goal: 0.6 }],
  async sides(world) {
    return [
      side(world, "Tenantry", world.tenantry, async () => ({
        calls: await callsAsTenantry(world, { sessions: members(world), asks: () => CHECK }),
      })),
      {
        name: "bare route",
        run: () => bareRoute(world, world.options.seconds, world.options.warmUpSeconds),
      },
    ];
  },
};

const meBesideBare = reading({
  key: "me",
  title: "`GET /v1/auth/me`",
  goal: 0.85,
  sessions: members,
  asks: () => () => ({ route: "GET /v1/auth/me" }),
});
const me: Row = {
  ...meBesideBare,
  ratios: [
    ...(meBesideBare.ratios ?? []),
    { key: "me-better-auth", against: "Better Auth", goal: 10 },
    { key: "me-better-auth-cache", against: "Better Auth, cookie cache", goal: 4 },
  ],
  async sides(world) {
    const sides = (await meBesideBare.sides?.(world)) ?? [];
    return [
      ...sides,
      betterAuthSession(world, "Better Auth", "database"),
      betterAuthSession(world, "Better Auth, cookie cache", "cookie cache"),
    ];
  },
};

/** Its own check of a session. The cookies are those of the log-in, cached data included where it caches. */
function betterAuthSession(
  world: World,
  name: string,
  kind: Parameters<World["betterAuth"]>[0],
): Side {
  let cookies: Promise<string[]> | undefined;
  return side(
    world,
    name,
    () => world.betterAuth(kind),
    async ({ port }) => {
      cookies ??= Promise.all(Array.from({ length: 16 }, (_, n) => signIn(port, n + 1)));
      const calls = (await cookies).map((cookie) => ({
        route: "GET /api/auth/get-session",
        headers: { cookie },
      }));
      return { calls };
    },
  );
}

async function signIn(port: number, user: number): Promise<string> {
  const origin = `http://127.0.0.1:${port}`;
  const answer = await fetch(`${origin}/api/auth/sign-in/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin },
    body: JSON.stringify({ email: `user${user}@bench.example`, password: PASSWORD }),
  });
  if (!answer.ok) throw new Error(`Better Auth lets nobody in: ${await answer.text()}`);
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

/** The cursor that leads to a page far down the list. */
async function deepPage(world: World): Promise<Asks> {
  const limit = 20;
  const pages = Math.floor((world.layout.tenants[0]?.size ?? 0) / limit);
  const before = Math.max(1, Math.min(300, pages - 1) - 1);
  const asks = () => ({ route: `GET /v1/users?limit=${limit}&page=${before}` });
  const [call] = await callsAsTenantry(world, { sessions: ownerOf(LARGEST), asks });
  const page = await ask<{ nextCursor: string }>({ server: await world.tenantry(), call });
  return () => ({ route: `GET /v1/users?limit=${limit}&cursor=${page.nextCursor}` });
}

export const READS: Row[] = [
  check,
  me,
  reading({
    key: "list",
    title: "`GET /v1/users?limit=20`, the first page",
    goal: 0.75,
    sessions: () => ownerOf(LARGEST),
    asks: () => () => ({ route: "GET /v1/users?limit=20" }),
  }),
  reading({
    key: "list-deep",
    title: "the same, page 300",
    goal: 0.75,
    sessions: () => ownerOf(LARGEST),
    asks: deepPage,
  }),
  reading({
    key: "get",
    title: "`GET /v1/users/:id`",
    goal: 0.75,
    sessions: () => ownerOf(LARGEST),
    asks: () => (n) => ({ route: `GET /v1/users/${idOf("user", 2 + n)}` }),
  }),
  reading({
    key: "audit",
    title: "`GET /v1/audit-logs?limit=20`",
    goal: 0.75,
    sessions: () => ownerOf(LARGEST),
    asks: () => () => ({ route: "GET /v1/audit-logs?limit=20" }),
  }),
];
