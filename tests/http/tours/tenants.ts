import type { Tour } from "../tour.ts";

/** Tenants and the audit log. */
export async function tour({ call, owner, root }: Tour): Promise<void> {
  const { accessToken: token } = root;
  const json = { name: "Made", slug: "made", settings: { plan: "gold" } };
  const { id } = await call(201, "POST /v1/tenants", { token, json });
  await call(409, "POST /v1/tenants", { token, json });
  await call(403, "POST /v1/tenants", { token: owner.accessToken, json });
  await call(200, "GET /v1/tenants?limit=1&search=ma", { token });
  await call(200, "GET /v1/tenants/current", { token: owner.accessToken });
  await call(404, "GET /v1/tenants/current", { token });
  await call(200, `GET /v1/tenants/${id}`, { token });
  await call(404, `GET /v1/tenants/${id}`, { token: owner.accessToken });
  await call(200, `PATCH /v1/tenants/${id}`, { token, json: { name: "Renamed" } });
  await call(200, `POST /v1/tenants/${id}/suspend`, { token });
  await call(200, `POST /v1/tenants/${id}/activate`, { token });
  await call(204, `DELETE /v1/tenants/${id}`, { token });
  await call(200, "GET /v1/audit-logs?limit=100", { token });
  await call(200, "GET /v1/audit-logs?outcome=failure", { token: owner.accessToken });
  await call(422, "GET /v1/audit-logs?from=yesterday", { token });
}
