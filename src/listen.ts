/** Taking the port. */
import type { Config } from "./config.ts";
import { StartFault } from "./start-fault.ts";

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
    const code = err instanceof Error && "code" in err ? err.code : undefined;
    if (code === "EADDRINUSE")
      throw new StartFault(`Port ${port} is taken: set ${variables.port} to another one.`);
    throw new StartFault(
      `Cannot listen on ${host}:${port} (${code}): set ${variables.host} and ${variables.port} to an address of this machine.`,
    );
  }
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
