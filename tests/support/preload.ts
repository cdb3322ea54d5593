/** Gives every `bun test` a server. `bun run test` has started one already, for all of its workers. */
import { afterAll } from "bun:test";
import { dropTemplate } from "./postgres.ts";
import { startTestServer } from "./server.ts";

if (!process.env.TENANTRY_TEST_TEMPLATE) {
  const server = await startTestServer();
  process.env.DATABASE_URL_TEST = server.url;
  afterAll(async () => {
    await dropTemplate();
    await server.stop();
  });
}
