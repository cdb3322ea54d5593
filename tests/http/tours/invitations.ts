import { tokenIn } from "../../auth/mails/mails.ts";
import { PASSWORD, proveAddress, randomName, registerOwner } from "../../support/app.ts";
import type { Tour } from "../tour.ts";

/** Invitations, from the mail to the account. */
export async function tour({ app, call, owner, root }: Tour): Promise<void> {
  const token = owner.accessToken;
  const json = { email: "invited@tour.example", roles: ["member"], expiresInDays: 3 };
  const { id } = await call(201, "POST /v1/invitations", { token, json });
  await call(409, "POST /v1/invitations", { token, json: { email: owner.email } });
  await call(422, "POST /v1/invitations", { token: root.accessToken, json });
  const nowhere = { ...json, tenantId: crypto.randomUUID() };
  await call(403, "POST /v1/invitations", { token, json: nowhere });
  await call(404, "POST /v1/invitations", { token: root.accessToken, json: nowhere });
  await call(200, "GET /v1/invitations?limit=1&status=pending", { token });
  await call(422, "GET /v1/invitations?status=lost", { token });
  await call(200, `GET /v1/invitations/${id}`, { token });
  await call(404, "GET /v1/invitations/0", { token });
  await call(200, `POST /v1/invitations/${id}/resend`, { token });
  await call(404, `POST /v1/invitations/${crypto.randomUUID()}/resend`, { token });

  const link = { token: tokenIn(await app.lastMailTo(json.email)) };
  await call(200, "POST /v1/invitations/inspect", { json: link });
  await call(400, "POST /v1/invitations/inspect", { json: { token: "x" } });
  await call(422, "POST /v1/invitations/accept", { json: { ...link, password: "short" } });
  await call(201, "POST /v1/invitations/accept", { json: { ...link, password: PASSWORD } });
  await call(400, "POST /v1/invitations/accept", { json: { ...link, password: PASSWORD } });
  await call(404, `DELETE /v1/invitations/${id}`, { token });

  const person = await registerOwner(app);
  await proveAddress(app, person);
  const invited = { ...json, email: person.email };
  const again = await call(201, "POST /v1/invitations", { token, json: invited });
  const joining = { token: tokenIn(await app.lastMailTo(person.email)) };
  await call(409, "POST /v1/invitations/accept", { json: { ...joining, password: PASSWORD } });
  await call(400, "POST /v1/invitations/join", { token, json: { token: "x" } });
  const joiner = { token: person.accessToken };
  await call(403, "POST /v1/invitations/join", { token: root.accessToken, json: joining });
  const membership = await call(200, "POST /v1/invitations/join", { ...joiner, json: joining });
  await call(404, `DELETE /v1/invitations/${again.id}`, { token });

  await call(200, "GET /v1/auth/me/tenants", joiner);
  const login = { email: person.email, password: PASSWORD };
  const { selectionToken } = await call(200, "POST /v1/auth/login", { json: login });
  const chosen = { selectionToken, tenantId: owner.tenantId };
  await call(200, "POST /v1/auth/select-tenant", { json: chosen });
  await call(400, "POST /v1/auth/select-tenant", { json: chosen });
  const { id: tenantId } = membership.tenant as { id: string };
  await call(204, `POST /v1/auth/me/tenants/${tenantId}/leave`, joiner);
  await call(404, `POST /v1/auth/me/tenants/${tenantId}/leave`, joiner);
  await call(409, `POST /v1/auth/me/tenants/${person.tenantId}/leave`, joiner);
  const name = randomName();
  const own = { ...joiner, json: { name, slug: name } };
  await call(201, "POST /v1/tenants/own", own);
  await call(409, "POST /v1/tenants/own", own);
  const last = await call(201, "POST /v1/invitations", {
    token,
    json: { email: "c@tour.example" },
  });
  await call(204, `DELETE /v1/invitations/${last.id}`, { token });
}
