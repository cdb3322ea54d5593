/** The application on a port, for code that calls it as the guides' does. */
import { createApp } from "../../src/app.ts";
import { createTestApp, type TestApp } from "../support/app.ts";
import type { TestDatabase } from "../support/postgres.ts";

export type Served = { app: TestApp; url: string; stop(): Promise<void> };

type Env = Record<string, string>;
type Handler = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;

/**
 * ISSUER and APP_URL are the address that is served.
 * @param env as of `createTestApp`, or what makes it of that address.
 */
export async function serve(
  env: Env | ((url: string) => Promise<Env>) = {},
  database?: TestDatabase,
): Promise<Served> {
  let answer: Handler = () => new Response(null, { status: 503 });
  const server = Bun.serve({ port: 0, fetch: (request, on) => answer(request, on) });
  const url = `http://localhost:${server.port}`;
  const given = typeof env === "function" ? await env(url) : env;
  const app = await createTestApp({ ISSUER: url, ...given }, database);
  answer = createApp(app.served, []).fetch;
  return {
    app,
    url,
    async stop() {
      await server.stop(true);
      await app.close();
    },
  };
}
