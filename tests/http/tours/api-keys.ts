import type { Tour } from "../tour.ts";

/** Service accounts and API keys. */
export async function tour({ call, owner }: Tour): Promise<void> {
  const token = owner.accessToken;
  const machine = { name: "Deployment", roles: ["member"] };
  const { id: userId } = await call(201, "POST /v1/service-accounts", { token, json: machine });
  const path = `/v1/service-accounts/${userId}`;
  await call(200, "GET /v1/service-accounts?limit=1", { token });
  await call(422, "GET /v1/service-accounts?limit=x", { token });
  await call(200, `GET ${path}`, { token });
  await call(404, "GET /v1/service-accounts/0", { token });
  await call(200, `PATCH ${path}`, { token, json: { name: "Nightly", roles: ["auditor"] } });

  const json = { name: "Nightly", scopes: ["user:read"], userId, expiresInDays: null };
  const { id, key } = (await call(201, "POST /v1/api-keys", { token, json })) as Record<
    string,
    string
  >;
  await call(403, "POST /v1/api-keys", { token: key, json });
  await call(404, "POST /v1/api-keys", { token, json: { ...json, userId: crypto.randomUUID() } });
  await call(422, "POST /v1/api-keys", { token, json: { ...json, scopes: [] } });
  await call(200, "GET /v1/users?limit=1", { token: key });
  await call(200, `GET /v1/api-keys?userId=${userId}&limit=1`, { token });
  await call(404, `GET /v1/api-keys?userId=${crypto.randomUUID()}`, { token });
  await call(403, "GET /v1/api-keys", { token: key });
  await call(200, `GET /v1/api-keys/${id}`, { token });
  await call(204, `DELETE /v1/api-keys/${id}`, { token });
  await call(404, `DELETE /v1/api-keys/${id}`, { token });
  await call(404, `GET /v1/api-keys/${id}`, { token });
  await call(204, `DELETE ${path}`, { token });
}
