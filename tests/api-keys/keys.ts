/** API keys and service accounts, made through the API. */
import type { Account, TestApp } from "../support/app.ts";

export type Key = { id: string; key: string; prefix: string };

export const READ = ["tenant:read", "user:read"];

/** A key of the caller's, or of whom `json` names. */
export async function createKey(
  app: TestApp,
  who: Account,
  json: Record<string, unknown> = {},
): Promise<Key> {
  const answer = await app.call("POST /v1/api-keys", {
    token: who.accessToken,
    json: { name: "Test", scopes: READ, ...json },
  });
  if (answer.status !== 201)
    throw new Error(`creating a key answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export async function createService(
  app: TestApp,
  who: Account,
  json: Record<string, unknown> = {},
): Promise<{ id: string; tenantId: string | null; name: string; roles: string[] }> {
  const answer = await app.call("POST /v1/service-accounts", {
    token: who.accessToken,
    json: { name: "Deployment", roles: ["member"], ...json },
  });
  if (answer.status !== 201)
    throw new Error(
      `creating a service account answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  return answer.body;
}

/** The status that a key gets where every member may look. */
export async function use(app: TestApp, key: Key | string): Promise<number> {
  const token = typeof key === "string" ? key : key.key;
  return (await app.call("GET /v1/users?limit=1", { token })).status;
}
