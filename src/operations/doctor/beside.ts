/** What an instance has beside its database, where it is told to: a replica, and a store of limits. It goes on without them. */
import { RedisClient } from "bun";
import type pg from "pg";
import type { Values } from "../../config/rules.ts";
import { connectionFault } from "../../db/connection-fault.ts";
import { covers, faultOfReplica, replayedBy, writtenBy } from "../../db/positions.ts";
import { faultOfRole } from "../../db/runtime-role.ts";
import { withClient } from "../connection.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const STORE_MILLIS = 2000;
const POLL_MILLIS = 50;
/** Longer than any read waits for it: beyond that it is of no use. */
const CATCH_UP_MILLIS = 2000;

export async function* checkReplica(
  primary: pg.Client,
  { DATABASE_REPLICA_URL: url, DATABASE_REPLICA_LAG_MILLISECONDS: patience = 100 }: Values,
): AsyncGenerator<Finding> {
  if (url === undefined) return;
  const options = { name: "doctor", statementMillis: STORE_MILLIS };
  try {
    yield await withClient(url, options, async (replica) => {
      const fault = faultOfReplica(await replayedBy(replica), await writtenBy(primary));
      if (fault)
        return wrong(
          "replica",
          fault,
          "DATABASE_REPLICA_URL: a standby of the primary in DATABASE_URL",
        );
      const role = await faultOfRole(replica);
      if (role)
        return wrong("replica", `its login ${role}`, "the server's login in DATABASE_REPLICA_URL");
      const millis = await catchesUp(primary, replica);
      return millis !== null && millis <= patience
        ? ok("replica", `follows, and had everything after ${Math.round(millis)} ms`)
        : note(
            "replica",
            `is ${millis === null ? "more than 2 s" : `${Math.round(millis)} ms`} behind: the primary answers its reads`,
            "bun run db:stats shows how far; DATABASE_REPLICA_LAG_MILLISECONDS is how long a read waits",
          );
    });
  } catch (error) {
    yield wrong(
      "replica",
      connectionFault(error, url).words,
      "DATABASE_REPLICA_URL, or leave it out: the primary answers its reads",
    );
  }
}

/** In how many milliseconds it has what is written now; null when not in time. */
async function catchesUp(primary: pg.Client, replica: pg.Client): Promise<number | null> {
  const goal = await writtenBy(primary);
  const start = performance.now();
  for (;;) {
    const has = covers(await replayedBy(replica), goal);
    const millis = performance.now() - start;
    if (has) return millis;
    if (millis > CATCH_UP_MILLIS) return null;
    await Bun.sleep(POLL_MILLIS);
  }
}

export async function* checkStore({ RATE_LIMIT_STORE_URL: url }: Values): AsyncGenerator<Finding> {
  if (url === undefined) return;
  const { host } = new URL(url);
  const client = new RedisClient(url, { connectionTimeout: STORE_MILLIS, autoReconnect: false });
  try {
    const [role] = (await inTime(client.send("ROLE", []))) as unknown[];
    yield role === "master"
      ? ok("store", `${host} counts the limits`)
      : wrong(
          "store",
          `${host} is a replica, and takes no writes`,
          "its primary in RATE_LIMIT_STORE_URL",
        );
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    yield wrong(
      "store",
      `${host}: ${said.trim().replace(/\.$/, "")}`,
      "RATE_LIMIT_STORE_URL: host, port, user and password; until then the database counts",
    );
  } finally {
    client.close();
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer came in time")), STORE_MILLIS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
