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
}
