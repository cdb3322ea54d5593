/** WORKERS: what each process has of an instance, and what does not go with several. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { parseConfig } from "../../src/config.ts";

const REQUIRED = {
  DATABASE_URL: "postgresql://user@db.example:5432/tenantry",
  SECRET_KEY: randomBytes(32).toString("base64"),
  ISSUER: "https://id.example.com",
  APP_URL: "https://app.example.com",
};

test("of several processes each has its share of connections, and what one would keep to itself is refused", () => {
  const several = {
    ...REQUIRED,
    WORKERS: "4",
    DATABASE_POOL_SIZE: "10",
    PASSWORD_HASH_QUEUE: "10",
  };
  expect(parseConfig(several)).toMatchObject({
    workers: 4,
    databasePoolSize: 2,
    passwordHashQueue: 10,
  });
  expect(complaint({ ...several, WORKERS: "11" })).toContain(
    "WORKERS: may not be more than DATABASE_POOL_SIZE",
  );
  expect(complaint({ ...several, RATE_LIMITS: "memory" })).toContain(
    "RATE_LIMITS: memory counts in each process by itself: database, or WORKERS=1",
  );
  expect(complaint({ ...several, NODE_ENV: "development" })).toContain(
    "WORKERS: more than 1 needs SMTP_URL: /dev/mail shows the mails of one process",
  );
  const mail = { SMTP_URL: "smtp://mail.example" };
  expect(complaint({ ...several, NODE_ENV: "development", ...mail })).toBe("");
  expect(complaint({ ...REQUIRED, RATE_LIMITS: "memory" })).toBe("");
});

/** What parseConfig complains of. */
function complaint(env: Record<string, string>): string {
  try {
    parseConfig(env);
    return "";
  } catch (err) {
    return String(err);
  }
}

test("a store for limits goes with the database, which counts while it is away", () => {
  const env = { ...REQUIRED, RATE_LIMIT_STORE_URL: "rediss://:hunter2@valkey.example" };
  expect(complaint(env)).toBe("");
  for (const RATE_LIMITS of ["memory", "off"])
    expect(complaint({ ...env, RATE_LIMITS })).toContain(
      "RATE_LIMIT_STORE_URL: needs RATE_LIMITS=database, which counts while the store is away",
    );
});
