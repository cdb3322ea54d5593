/** Callers with addresses of their own, as a trusted proxy tells them. Needs TRUSTED_PROXY_HOPS=1. */
import { newId } from "../../src/db/id.ts";
import { type Answer, PASSWORD, randomName, type TestApp } from "../support/app.ts";

let last = 0;

/** An address that nobody had before. */
export function newAddress(): string {
  last += 1;
  return `10.${last >> 16}.${(last >> 8) & 255}.${last & 255}`;
}

export function from(address: string): Record<string, string> {
  return { "x-forwarded-for": address };
}

/** A log-in from this address. */
export function tryPassword(
  app: TestApp,
  address: string,
  email: string,
  password = PASSWORD,
  // biome-ignore lint/suspicious/noExplicitAny: as `call` of the application
): Promise<Answer<any>> {
  return app.call("POST /v1/auth/login", { json: { email, password }, headers: from(address) });
}

/** So many at once, each from an address of its own; their statuses. */
export async function tryEverywhere(app: TestApp, email: string, times: number): Promise<number[]> {
  const tries = Array.from({ length: times }, () => tryPassword(app, newAddress(), email, "wrong"));
  return (await Promise.all(tries)).map(({ status }) => status);
}

let hash: Promise<string> | undefined;

/** A user without a tenant or a session, made in the database: registering is limited too. */
export async function makeUser(app: TestApp): Promise<{ id: string; email: string }> {
  hash ??= app.deps.passwords.hash(PASSWORD);
  const user = { id: newId(), email: `${randomName()}@limits.example` };
  await app.deps.db.account.create({
    data: { ...user, passwordHash: await hash, users: { create: user } },
  });
  return user;
}

/** Ends the windows and hold-offs of a policy, as time would. How often somebody was held off is remembered for a day. */
export async function passTime(app: TestApp, policy: string): Promise<void> {
  await app.deps.pool.query("UPDATE rate_limits SET expire = 1 WHERE key LIKE $1", [`${policy}:%`]);
}
