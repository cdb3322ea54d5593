import { PASSWORD, registerOwner } from "../../support/app.ts";
import type { Tour } from "../tour.ts";

/** Logging in, and what belongs to oneself. */
export async function tour({ app, call }: Tour): Promise<void> {
  const tenant = { name: "Tour", slug: "tour" };
  const json = { email: "owner@tour.example", password: PASSWORD, firstName: "Ada", tenant };
  const { accessToken: token, refreshToken } = (await call(201, "POST /v1/auth/register", {
    json,
  })) as Record<string, string>;
  await call(409, "POST /v1/auth/register", { json });
  await call(422, "POST /v1/auth/register", { json: {} });
  await call(401, "POST /v1/auth/login", { json: { email: json.email, password: "wrong" } });
  await call(200, "POST /v1/auth/login", { json: { email: json.email, password: PASSWORD } });
  await call(200, "POST /v1/auth/refresh", { json: { refreshToken } });
  await call(401, "POST /v1/auth/refresh", { json: { refreshToken: "x" } });
  await call(200, "GET /v1/auth/me", { token });
  await call(401, "GET /v1/auth/me");
  await call(200, "GET /v1/auth/me/profile", { token });
  const profile = {
    phone: "+4930123456",
    preferences: { theme: { dark: [true, null, 1.5, "x"] } },
  };
  await call(200, "PATCH /v1/auth/me/profile", { token, json: profile });
  const sessions = await call(200, "GET /v1/auth/sessions?limit=1", { token });
  await call(200, `GET /v1/auth/sessions?cursor=${sessions.nextCursor}`, { token });
  await call(404, "DELETE /v1/auth/sessions/x", { token });
  await call(204, `DELETE /v1/auth/sessions/${(sessions.items as { id: string }[])[0]?.id}`, {
    token,
  });
  await call(204, "DELETE /v1/auth/sessions", { token });
  const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
  await call(422, "POST /v1/auth/change-password", {
    token,
    json: { ...change, currentPassword: "x" },
  });
  await call(204, "POST /v1/auth/change-password", { token, json: change });
  await call(204, "POST /v1/auth/logout", { token });
  await call(401, "POST /v1/auth/logout", { token });
  await call(204, "POST /v1/auth/logout-all", { token: (await registerOwner(app)).accessToken });
}
