/** What the tests of roles do over and over. */
import { type Account, type CallOptions, randomName, type TestApp } from "../support/app.ts";

export type Role = { id: string; name: string; permissions: string[]; holders: number };

/** A role that `who` makes. @throws Error when they may not. */
export async function createRole(
  app: TestApp,
  who: Account,
  permissions: readonly string[],
  name = randomName(),
): Promise<Role> {
  const json = { name, permissions };
  const { status, body } = await app.call("POST /v1/roles", { token: who.accessToken, json });
  if (status !== 201) throw new Error(`creating a role answered ${status}: ${body.detail}`);
  return body;
}

/** `as(owner)("PATCH /v1/roles/…", json)` */
export function as(app: TestApp, who: { accessToken: string }) {
  return (route: string, json?: unknown) => {
    const options: CallOptions = { token: who.accessToken };
    return app.call(route, json === undefined ? options : { ...options, json });
  };
}

/** What the user may do at this moment, as they are told themselves. */
export async function permissionsOf(app: TestApp, who: Account): Promise<string[]> {
  return (await app.call("GET /v1/auth/me", { token: who.accessToken })).body.permissions;
}
