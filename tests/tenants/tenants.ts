/** Tenants as tests change them: through the API. */
import { type Account, randomName, type TestApp } from "../support/app.ts";

/** Changes the settings of the caller's tenant. @throws Error when that is refused. */
export async function set(
  app: TestApp,
  { accessToken: token, tenantId }: Account,
  settings: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const answer = await app.call(`PATCH /v1/tenants/${tenantId}`, { token, json: { settings } });
  if (answer.status !== 200)
    throw new Error(`settings answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body.settings;
}

/** Gives a tenant so many seats. */
export async function limitSeats(
  app: TestApp,
  { accessToken: token }: Account,
  tenantId: string,
  seatLimit: number | null,
): Promise<void> {
  const answer = await app.call(`PATCH /v1/tenants/${tenantId}`, { token, json: { seatLimit } });
  if (answer.status !== 200) throw new Error(`a seat limit answered ${answer.status}`);
}

/** Asks for a new user; answers what came of it. */
export function create(app: TestApp, { accessToken: token }: Account, json: object = {}) {
  return app.call("POST /v1/users", {
    token,
    json: { email: `${randomName()}@a.example`, ...json },
  });
}
