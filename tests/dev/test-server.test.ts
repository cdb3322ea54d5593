import { afterEach, expect, test } from "bun:test";
import { startTestServer } from "../support/server.ts";

const { DATABASE_URL_TEST, TEST_POSTGRES } = process.env;
afterEach(() => {
  Object.assign(process.env, { DATABASE_URL_TEST, TEST_POSTGRES });
  if (TEST_POSTGRES === undefined) delete process.env.TEST_POSTGRES;
});

test("DATABASE_URL_TEST names the server for the tests, which is used as it is and left running", async () => {
  process.env.DATABASE_URL_TEST = "postgresql://user:password@db.example/tests";
  process.env.TEST_POSTGRES = "testcontainers";
  const server = await startTestServer();
  expect(server).toMatchObject({
    url: "postgresql://user:password@db.example/tests",
    kind: "DATABASE_URL_TEST",
  });
  await server.stop();
});

test("a server of an unknown kind is refused by name", async () => {
  delete process.env.DATABASE_URL_TEST;
  process.env.TEST_POSTGRES = "mysql";
  await expect(startTestServer()).rejects.toThrow(
    "TEST_POSTGRES may be testcontainers or embedded, not mysql.",
  );
});
