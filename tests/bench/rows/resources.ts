/** What a server takes: memory, time to start, connections, remembered tokens. Each on a server of its own. */
import { median } from "../arithmetic.ts";
import type { Call } from "../load/plan.ts";
import { sendLoad } from "../load/run.ts";
import type { Fact, Row } from "../measure.ts";
import type { Server } from "../servers.ts";
import type { World } from "../world.ts";
import { callsAsTenantry, members, ownerOf, planOf } from "./sides.ts";
import { creations, refreshes, tenantryLogins } from "./writes.ts";

const OPEN_CONNECTIONS = 1000;
const ACTIVE_SESSIONS = 10_000;
/** How many tokens are made and sent at a time. */
const TOKEN_BATCH = 10_000;
const ME = { route: "GET /v1/auth/me" };

type Turn = { calls: Call[]; status?: number; once?: boolean; followRefreshToken?: boolean };

/** Every kind of request that a row measures, as one turn each at full load. */
async function turnsOf(world: World): Promise<Turn[]> {
  const owner = (route: string) =>
    callsAsTenantry(world, { sessions: ownerOf(1), asks: () => ({ route }) });
  const check = { route: "POST /v1/auth/check", body: { permissions: ["user:read"] } };
  return [
    { calls: await callsAsTenantry(world, { sessions: members(world), asks: () => ME }) },
    { calls: await callsAsTenantry(world, { sessions: members(world), asks: () => check }) },
    { calls: await owner("GET /v1/users?limit=20") },
    { calls: await owner("GET /v1/audit-logs?limit=20") },
    { calls: await owner("GET /v1/users?search=user123") },
    { calls: await owner("GET /v1/permissions") },
    { calls: tenantryLogins(world) },
    { calls: refreshes(world), followRefreshToken: true },
    { calls: await creations(world, 4000), status: 201, once: true },
  ];
}

async function load(world: World, server: Server, turn: Turn, seconds: number) {
  return sendLoad(planOf(world, server, { ...turn, seconds, warmUpSeconds: 0 }));
}

async function watchMemory(world: World): Promise<Fact[]> {
  const server = await world.anotherTenantry();
  const atStart = server.residentMegabytes();
  const calls = await callsAsTenantry(world, { sessions: members(world), asks: () => ME });
  await load(world, server, { calls }, world.options.seconds * 5);
  const oneRoute = server.residentMegabytes();
  for (const turn of await turnsOf(world)) await load(world, server, turn, world.options.seconds);
  const allRoutes = server.residentMegabytes();
  const watched = await watch(world, server);
  await server.stop();
  const megabytes = (what: string, value: number, goal?: string): Fact => ({
    ...{ what, value, unit: "MB" },
    ...(goal !== undefined && { goal }),
  });
  const third = Math.max(1, Math.floor(watched.length / 3));
  const { minutes } = world.options;
  return [
    megabytes("memory after the start", atStart),
    megabytes("memory under one route", oneRoute, "< 120"),
    megabytes("memory after all routes in turn at full load", allRoutes, "< 180"),
    megabytes(`memory after ${minutes} minutes of them`, watched.at(-1) ?? Number.NaN),
    {
      what: "the last third of these minutes to the first",
      value: median(watched.slice(-third)) / median(watched.slice(0, third)),
      unit: "",
      goal: "flat",
    },
    ...(await memoryOfOthers(world)),
  ];
}

/** After each turn, for as long as it is watched. */
async function watch(world: World, server: Server): Promise<number[]> {
  const watched: number[] = [];
  const until = performance.now() + world.options.minutes * 60_000;
  while (performance.now() < until) {
    for (const turn of await turnsOf(world)) {
      if (performance.now() > until) break;
      await load(world, server, turn, world.options.seconds);
      watched.push(server.residentMegabytes());
    }
  }
  return watched;
}

async function memoryOfOthers(world: World): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const [what, start, path] of [
    ["memory of the bare server", world.anotherBare, "/"],
    ["memory of Better Auth", world.anotherBetterAuth, "/api/auth/ok"],
  ] as const) {
    const server = await start();
    await load(world, server, { calls: [{ route: `GET ${path}` }] }, world.options.seconds * 2);
    facts.push({ what: `${what}, under one route`, value: server.residentMegabytes(), unit: "MB" });
    await server.stop();
  }
  return facts;
}

async function timeStarts(world: World): Promise<Fact[]> {
  const millis = new Map<string, number[]>();
  for (let round = 0; round < world.options.rounds; round += 1) {
    for (const [name, start] of [
      ["Tenantry", world.anotherTenantry],
      ["bare server", world.anotherBare],
      ["Better Auth", world.anotherBetterAuth],
    ] as const) {
      const server = await start();
      millis.set(name, [...(millis.get(name) ?? []), server.startMillis]);
      await server.stop();
    }
  }
  return [...millis].map(([name, all]) => ({
    ...{ what: `start to first answer, ${name}`, value: median(all), unit: "ms" },
    ...(name === "Tenantry" && { goal: "< 400" }),
  }));
}

/** All at once, each of which asks again as soon as it is answered. */
async function openConnections(world: World): Promise<Fact[]> {
  const server = await world.anotherTenantry();
  const calls = await callsAsTenantry(world, { sessions: members(world), asks: () => ME });
  const load = await sendLoad(planOf(world, server, { calls, connections: OPEN_CONNECTIONS }));
  const memory = server.residentMegabytes();
  await server.stop();
  const what = `${OPEN_CONNECTIONS} open connections`;
  return [
    { what: `${what}: requests answered, all of them with 200`, value: load.rate, unit: "/s" },
    { what: `${what}: p99`, value: load.p99Millis, unit: "ms" },
    { what: `${what}: memory`, value: memory, unit: "MB" },
  ];
}

/** What an instance remembers of people who have a session each, and have asked once. */
async function remember(world: World): Promise<Fact[]> {
  const server = await world.anotherTenantry();
  const count = Math.min(ACTIVE_SESSIONS, world.options.sessions);
  const ask = async (sessions: number[]) => {
    const calls = await callsAsTenantry(world, { sessions, asks: () => ME, count });
    await sendLoad(planOf(world, server, { calls, once: true, seconds: 600, warmUpSeconds: 0 }));
    return server.residentMegabytes();
  };
  // As many requests of few people first: what those leave behind is not what is remembered.
  const before = await ask(members(world));
  const after = await ask(Array.from({ length: count }, (_, n) => n + 1));
  await server.stop();
  const what = `${count} people with a session each: memory that they add`;
  return [{ what, value: after - before, unit: "MB" }];
}

async function rememberTokens(world: World): Promise<Fact[]> {
  const server = await world.anotherTenantry();
  const { tokens } = world.options;
  const check = { route: "POST /v1/auth/check", body: { permissions: ["user:read"] } };
  const show = async (count: number) => {
    const sessions = Array.from({ length: count }, (_, n) => members(world)[n % 64] ?? 1);
    const calls = await callsAsTenantry(world, { sessions, asks: () => check, count });
    const plan = planOf(world, server, { calls, once: true, seconds: 600, warmUpSeconds: 0 });
    return (await sendLoad(plan)).rate;
  };
  await show(Math.min(TOKEN_BATCH, tokens));
  const before = server.residentMegabytes();
  const rates: number[] = [];
  for (let shown = 0; shown < tokens; shown += TOKEN_BATCH)
    rates.push(await show(Math.min(TOKEN_BATCH, tokens - shown)));
  const after = server.residentMegabytes();
  await server.stop();
  const what = `${tokens} tokens, each seen for the first time`;
  return [
    { what: `${what}: checks`, value: median(rates), unit: "/s" },
    { what: `${what}: memory that they add`, value: after - before, unit: "MB", goal: "bounded" },
  ];
}

export const RESOURCES: Row[] = [
  { key: "start", title: "Start, migrations applied", facts: timeStarts },
  { key: "connections", title: "Many open connections", facts: openConnections },
  { key: "sessions", title: "Many sessions", facts: remember },
  { key: "tokens", title: "Many tokens", facts: rememberTokens },
  { key: "memory", title: "Memory", facts: watchMemory },
];
