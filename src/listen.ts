/** Taking the port. */
import type { Config } from "./config.ts";
import { StartFault } from "./start-fault.ts";

/** Below it a system gives them to privileged users alone, unless it is told otherwise. */
const FIRST_FREE_PORT = 1024;

type Address = Pick<Config, "host" | "port">;
/** Which say where. */
type Variables = { host: string; port: string };
type Options = {
  fetch: (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;
  /** Whether other processes of ours may listen on the same port. */
  reusePort?: boolean;
  maxRequestBodySize?: number;
  idleTimeout?: number;
};

/**
 * @param variables that say where: those of the API unless it is for something else.
 * @throws StartFault when the port is taken, or the host is no address of this machine.
 */
export function listen(
  { host, port }: Address,
  options: Options,
  variables: Variables = { host: "HOST", port: "PORT" },
): Bun.Server<undefined> {
  try {
    return Bun.serve({ ...options, hostname: host, port });
  } catch (err) {
    throw new StartFault(faultOfListening(err, { host, port }, variables));
  }
}

/** Why nobody can listen there, and what to set. Below 1024 a port may be for privileged users alone. */
export function faultOfListening(
  thrown: unknown,
  { host, port }: Address,
  variables: Variables,
): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (code === "EADDRINUSE") return `Port ${port} is taken: set ${variables.port} to another one.`;
  if ((code === "EACCES" || code === "EPERM") && port > 0 && port < FIRST_FREE_PORT)
    return `This user may not open port ${port} (${code}): set ${variables.port} to one from ${FIRST_FREE_PORT} on, such as 3000, and let the proxy have ${port}.`;
  return `Cannot listen on ${host}:${port} (${code}): set ${variables.host} and ${variables.port} to an address of this machine.`;
}

/**
 * A port that nobody else has, for several processes that share it: each of them alone would take it beside a stranger.
 * @throws StartFault as `listen` does.
 */
export async function freePort(address: Address, variables?: Variables): Promise<number> {
  const fetch = () => new Response(null, { status: 503 });
  const server = listen(address, { fetch }, variables);
  const { port = address.port } = server;
  await server.stop(true);
  return port;
}
