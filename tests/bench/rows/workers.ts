/** One process a core beside one process: what is gained, and what each takes. */
import { Environment } from "../../../src/config/environment.ts";
import type { Call } from "../load/plan.ts";
import type { Row } from "../measure.ts";
import type { Server } from "../servers.ts";
import type { World } from "../world.ts";
import { callsAsTenantry, members, side } from "./sides.ts";
import { tenantryLogins } from "./writes.ts";

/**
 * The kernel deals connections out by chance: of many each process has its share. Log-ins are no more than may wait in one
 * process, which may be dealt all of them.
 */
const CONNECTIONS = 128;
const LOGIN_CONNECTIONS = 48;
const CHECK = { route: "POST /v1/auth/check", body: { permissions: ["user:read"] } };
const ME = { route: "GET /v1/auth/me" };

type Calls = (world: World) => Call[] | Promise<Call[]>;
const asMembers =
  (asked: typeof CHECK | typeof ME): Calls =>
  (world) =>
    callsAsTenantry(world, { sessions: members(world), asks: () => asked });

function beside(key: string, title: string, calls: Calls, connections = CONNECTIONS): Row {
  const servers = new Map<string, Promise<Server>>();
  const withWorkers = (world: World, count: string) => {
    const server = servers.get(count) ?? world.anotherTenantry({ WORKERS: count });
    servers.set(count, server);
    return server;
  };
  const name = (count: string) => `WORKERS=${count}`;
  return {
    key,
    title,
    ratios: [{ key, against: name("1") }],
    async sides(world) {
      return ["2", "1"].map((count) =>
        side(
          world,
          name(count),
          () => withWorkers(world, count),
          async () => ({ calls: await calls(world), connections }),
        ),
      );
    },
    async facts() {
      const running = [...servers].map(async ([count, starting]) => {
        const server = await starting;
        const value = server.residentMegabytes();
        await server.stop();
        return { what: `${key}: memory with ${name(count)}`, value, unit: "MB" };
      });
      return Promise.all(running);
    },
  };
}

/** None where the server does not know the variable. */
export const WORKERS: Row[] =
  "WORKERS" in Environment.shape
    ? [
        beside("workers-check", "`POST /v1/auth/check` with two processes", asMembers(CHECK)),
        beside("workers-me", "`GET /v1/auth/me` with two processes", asMembers(ME)),
        beside(
          "workers-login",
          "`POST /v1/auth/login` with two processes",
          tenantryLogins,
          LOGIN_CONNECTIONS,
        ),
      ]
    : [];
