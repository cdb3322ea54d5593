import type { Tour } from "../tour.ts";

/** Tenants. */
export async function tour({ call, owner, root }: Tour): Promise<void> {
  const { accessToken: token } = root;
  const json = { name: "Made", slug: "made", settings: { custom: { plan: "gold" } }, seatLimit: 5 };
  const { id } = await call(201, "POST /v1/tenants", { token, json });
  await call(409, "POST /v1/tenants", { token, json });
  await call(403, "POST /v1/tenants", { token: owner.accessToken, json });
  await call(200, "GET /v1/tenants?limit=1&search=ma", { token });
  await call(200, "GET /v1/tenants/current", { token: owner.accessToken });
  await call(404, "GET /v1/tenants/current", { token });
  await call(200, "GET /v1/tenants/current/usage", { token: owner.accessToken });
  await call(404, "GET /v1/tenants/current/usage", { token });
  await call(200, `GET /v1/tenants/${id}`, { token });
  await call(404, `GET /v1/tenants/${id}`, { token: owner.accessToken });
  await call(200, `PATCH /v1/tenants/${id}`, { token, json: { name: "Renamed" } });
  const settings = { passwordMinLength: 20, locale: "de", custom: null };
  await call(200, `PATCH /v1/tenants/${id}`, { token, json: { settings, seatLimit: null } });
  await call(200, `GET /v1/tenants/${id}/usage`, { token });
  await call(404, `GET /v1/tenants/${id}/usage`, { token: owner.accessToken });
  await call(200, `POST /v1/tenants/${id}/suspend`, { token });
  await call(200, `POST /v1/tenants/${id}/activate`, { token });
  const move = { token, json: { userPool: "isolated" } };
  await call(200, `POST /v1/tenants/${id}/user-pool`, {
    token,
    json: { ...move.json, dryRun: true },
  });
  await call(200, `POST /v1/tenants/${id}/user-pool`, move);
  await call(403, `POST /v1/tenants/${id}/user-pool`, { ...move, token: owner.accessToken });
  await call(404, `POST /v1/tenants/${owner.id}/user-pool`, move);
  await call(404, `POST /v1/tenants/${id}/restore`, { token });
  await call(204, `DELETE /v1/tenants/${id}`, { token });
  await call(200, "GET /v1/tenants?deleted=true", { token });
  await call(200, `POST /v1/tenants/${id}/restore`, { token });
  await call(404, `POST /v1/tenants/${id}/purge`, { token, json: { slug: "made" } });
  await call(204, `DELETE /v1/tenants/${id}`, { token });
  await call(422, `POST /v1/tenants/${id}/purge`, { token, json: { slug: "other" } });
  await call(204, `POST /v1/tenants/${id}/purge`, { token, json: { slug: "made" } });
}
