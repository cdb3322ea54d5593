/** How many statements a request sends, counted in the log of a server that logs them. */
import { readFileSync } from "node:fs";
import type { Call } from "../load/plan.ts";
import type { World } from "../world.ts";

const TRIES = 5;

/**
 * The fewest that one request took: what jobs and heartbeats send meanwhile is counted too, and not always there.
 * BEGIN and COMMIT count.
 */
export async function countStatements(
  world: World,
  make: (count: number) => Promise<Call[]>,
): Promise<number> {
  const server = await world.anotherTenantry({ LOG_LEVEL: "debug", JOBS: "off" });
  const logged = () => readFileSync(server.log, "utf8").split('"statement"').length;
  let fewest = Number.POSITIVE_INFINITY;
  for (const { route, headers = {}, body } of await make(TRIES + 2)) {
    const before = logged();
    const [method = "GET", path] = route.split(" ");
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    await Bun.sleep(100);
    fewest = Math.min(fewest, logged() - before);
  }
  await server.stop();
  return fewest;
}
