/** Gives every `bun test` a server and its template. `bun run test` has made both already, for all of its workers. */
import { afterAll, setDefaultTimeout } from "bun:test";
import fc from "fast-check";
import { dropTemplate, templateName } from "./postgres.ts";
import { PROPERTY_SEED } from "./property-seed.ts";
import { startTestServer } from "./server.ts";

// Generous: a slow machine is not a broken product. What must be fast is measured by the test that says so.
setDefaultTimeout(60_000);
fc.configureGlobal({ seed: PROPERTY_SEED });

if (!process.env.TENANTRY_TEST_TEMPLATE) {
  const server = await startTestServer();
  process.env.DATABASE_URL_TEST = server.url;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => server.stop().finally(() => process.exit(1)));
  afterAll(() => dropTemplate().finally(server.stop));
  // Here and not in the first test that needs it, whose own time it would take.
  process.env.TENANTRY_TEST_TEMPLATE = await templateName().catch(async (err) => {
    await server.stop();
    throw err;
  });
}
