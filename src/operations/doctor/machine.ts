/** The machine that the server is to run on. */
import packageFile from "../../../package.json" with { type: "json" };
import type { Values } from "../../config/rules.ts";
import { freePort } from "../../listen.ts";
import { StartFault } from "../../start-fault.ts";
import { type Finding, ok, wrong } from "./finding.ts";

const PATIENCE_MILLIS = 2000;

export function checkBun(version: string): Finding {
  const wanted = packageFile.engines.bun;
  return Bun.semver.satisfies(version, wanted)
    ? ok("bun", version)
    : wrong("bun", `${version}, and ${wanted} is needed`, "install that version, or use the image");
}

/** Takes the port for a moment, unless an instance of ours has it. */
export async function checkPort({ HOST = "0.0.0.0", PORT = 3000 }: Values): Promise<Finding> {
  try {
    await freePort({ host: HOST, port: PORT });
    return ok("port", `${HOST}:${PORT} is free`);
  } catch (error) {
    if (!(error instanceof StartFault)) throw error;
    if (await isOurs(HOST, PORT))
      return ok("port", `${HOST}:${PORT} has an instance, which answers`);
    return wrong("port", error.message, "or end the program that has it: ss -ltnp");
  }
}

/** Where an instance is on the port, it has this one too. */
export async function* checkMetricsPort(values: Values): AsyncGenerator<Finding> {
  const {
    METRICS_HOST: host = "127.0.0.1",
    METRICS_PORT: port,
    HOST = "0.0.0.0",
    PORT = 3000,
  } = values;
  if (port === undefined) return;
  try {
    await freePort({ host, port }, { host: "METRICS_HOST", port: "METRICS_PORT" });
    yield ok("metrics", `${host}:${port} is free`);
  } catch (error) {
    if (!(error instanceof StartFault)) throw error;
    yield (await isOurs(HOST, PORT))
      ? ok("metrics", `${host}:${port} is taken, by the instance perhaps`)
      : wrong("metrics", error.message, "or end the program that has it: ss -ltnp");
  }
}

async function isOurs(host: string, port: number): Promise<boolean> {
  const here = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MILLIS);
    const answer = await fetch(`http://${here}:${port}/health/live`, { signal });
    const told = (await answer.json()) as { status?: unknown };
    return answer.status === 200 && told.status === "ok";
  } catch {
    return false;
  }
}
