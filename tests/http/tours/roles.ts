import type { Tour } from "../tour.ts";

/** Roles and permissions. */
export async function tour({ call, owner, root }: Tour): Promise<void> {
  const token = owner.accessToken;
  await call(200, "GET /v1/permissions", { token });
  await declare({ call, token: root.accessToken });
  const json = { name: "helpdesk", description: "Helps", permissions: ["user:read", "role:read"] };
  const { id } = await call(201, "POST /v1/roles", { token, json });
  await call(409, "POST /v1/roles", { token, json });
  await call(422, "POST /v1/roles", { token, json: { ...json, permissions: ["tenant:purge"] } });
  await call(404, "POST /v1/roles", {
    token: root.accessToken,
    json: { ...json, tenantId: crypto.randomUUID() },
  });
  await call(200, "GET /v1/roles?limit=1", { token });
  await call(422, "GET /v1/roles?limit=x", { token });
  const path = `/v1/roles/${id}`;
  await call(200, `GET ${path}`, { token });
  await call(404, "GET /v1/roles/0", { token });
  await call(200, `PATCH ${path}`, { token, json: { permissions: ["user:read"] } });
  await call(409, `PATCH ${path}`, { token, json: { name: "owner" } });
  const users = `/v1/users/${owner.id}/roles`;
  await call(200, `PUT ${users}`, { token, json: { roles: ["owner", "helpdesk"] } });
  await call(200, `GET ${users}`, { token });
  await call(409, `PUT ${users}`, { token, json: { roles: ["helpdesk"] } });
  await call(409, `DELETE ${path}`, { token });
  await call(200, `PUT ${users}`, { token, json: { roles: ["owner"] } });
  await call(204, `DELETE ${path}`, { token });
  await call(404, `DELETE ${path}`, { token });
  await call(200, "POST /v1/auth/check", { token, json: { permissions: ["user:read"] } });
  await call(422, "POST /v1/auth/check", { token, json: { permissions: ["x"] } });
}

/** What an application adds to them. */
async function declare({ call, token }: Pick<Tour, "call"> & { token: string }): Promise<void> {
  const json = { key: "acme:invoice:approve", description: "Approve invoices" };
  await call(201, "POST /v1/permissions", { token, json });
  await call(409, "POST /v1/permissions", { token, json });
  await call(422, "POST /v1/permissions", { token, json: { ...json, key: "invoice:approve" } });
  const path = `/v1/permissions/${json.key}`;
  await call(200, `GET ${path}`, { token });
  await call(200, `PATCH ${path}`, { token, json: { heldFrom: "owner" } });
  await call(403, "PATCH /v1/permissions/user:read", { token, json: { heldFrom: "owner" } });
  await call(204, `DELETE ${path}`, { token });
  await call(404, `GET ${path}`, { token });
}
