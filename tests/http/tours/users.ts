import { PASSWORD, registerOwner } from "../../support/app.ts";
import type { Tour } from "../tour.ts";

/** Users and their profiles. */
export async function tour({ app, call, owner }: Tour): Promise<void> {
  const token = owner.accessToken;
  const json = { email: "member@tour.example", password: PASSWORD, lastName: "Byron" };
  const { id } = await call(201, "POST /v1/users", { token, json });
  await call(409, "POST /v1/users", { token, json });
  await call(403, "POST /v1/users", {
    token,
    json: { email: "x@tour.example", tenantId: crypto.randomUUID() },
  });
  await call(200, "GET /v1/users?limit=1", { token });
  await call(200, "GET /v1/users?page=1&search=byron&sort=lastName", { token });
  await call(422, "GET /v1/users?limit=x", { token });
  await call(200, `GET /v1/users/${id}`, { token });
  await call(404, "GET /v1/users/0", { token });
  await call(200, `PATCH /v1/users/${id}`, {
    token,
    json: { status: "disabled", roles: ["auditor"] },
  });
  await call(409, `PATCH /v1/users/${owner.id}`, { token, json: { roles: ["member"] } });
  await call(200, `GET /v1/users/${owner.id}/sessions?limit=1`, { token });
  await call(422, `GET /v1/users/${owner.id}/sessions?limit=x`, { token });
  await call(404, `DELETE /v1/users/${id}/sessions/x`, { token });
  await call(204, `DELETE /v1/users/${id}/sessions`, { token });
  const { accessToken } = await registerOwner(app);
  const own = await call(200, "GET /v1/auth/sessions", { token: accessToken });
  const [session] = own.items as { id: string }[];
  const { user } = await call(200, "GET /v1/auth/me", { token: accessToken });
  await call(204, `DELETE /v1/users/${(user as { id: string }).id}/sessions/${session?.id}`, {
    token: accessToken,
  });
  await call(200, `GET /v1/users/${id}/profile`, { token });
  await call(200, `PATCH /v1/users/${id}/profile`, { token, json: { language: "pt-BR" } });
  await call(204, `DELETE /v1/users/${id}`, { token });
  await call(409, `DELETE /v1/users/${owner.id}`, { token });
  await call(200, "GET /v1/users?deleted=true", { token });
  await call(200, `POST /v1/users/${id}/restore`, { token });
  await call(404, `POST /v1/users/${id}/restore`, { token });
  await tourConditions(call, token, String(id));
  await tourMany(call, token, String(id));
}

/** Entity tags and idempotency keys. */
async function tourConditions(call: Tour["call"], token: string, id: string): Promise<void> {
  for (const path of [`/v1/users/${id}`, `/v1/users/${id}/profile`]) {
    await call(304, `GET ${path}`, { token, headers: { "if-none-match": "*" } });
    const json = path.endsWith("profile") ? { language: "de" } : { firstName: "Ada" };
    await call(412, `PATCH ${path}`, { token, json, headers: { "if-match": '"x"' } });
  }
  await call(412, `DELETE /v1/users/${id}`, { token, headers: { "if-match": '"x"' } });
  const json = { email: "once@tour.example" };
  const headers = { "idempotency-key": '"tour"' };
  await call(201, "POST /v1/users", { token, json, headers });
  await call(201, "POST /v1/users", { token, json, headers });
  await call(422, "POST /v1/users", { token, json: { email: "x@tour.example" }, headers });
  await call(400, "POST /v1/users", { token, json, headers: { "idempotency-key": "a b" } });
}

/** Many users at once, and all of one. */
async function tourMany(call: Tour["call"], token: string, id: string): Promise<void> {
  const bulk = { operation: "update", items: [{ id, lastName: "Lovelace" }, { id: "x" }] };
  await call(200, "POST /v1/users/bulk", { token, json: bulk });
  await call(422, "POST /v1/users/bulk", { token, json: { ...bulk, atomic: true } });
  const rows = (key: string, body = "email\nrow@tour.example\nrow\n") => ({
    token,
    body,
    headers: { "content-type": "text/csv", "idempotency-key": key },
  });
  await call(200, "POST /v1/users/import?dryRun=true", rows("dry"));
  await call(422, "POST /v1/users/import?atomic=true", rows("atomic"));
  await call(200, "POST /v1/users/import", rows("rows"));
  await call(422, "POST /v1/users/import", rows("rows", "email\n"));
  await call(415, "POST /v1/users/import", {
    ...rows("type"),
    headers: { "idempotency-key": "x" },
  });
  await call(400, "POST /v1/users/import", {
    ...rows(""),
    headers: { "content-type": "text/csv" },
  });
  await call(200, "GET /v1/users/export", { token });
  await call(422, "GET /v1/users/export?x=1", { token });
  await call(200, `GET /v1/users/${id}/personal-data`, { token });
  await call(404, "GET /v1/users/0/personal-data", { token });
  await call(200, "GET /v1/auth/me/personal-data", { token });
  const json = { email: "member@tour.example" };
  await call(422, `POST /v1/users/${id}/erase`, { token, json: { email: "x@tour.example" } });
  await call(204, `POST /v1/users/${id}/erase`, { token, json });
  await call(404, `POST /v1/users/${id}/erase`, { token, json });
}
