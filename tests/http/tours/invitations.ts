import { tokenIn } from "../../auth/mails/mails.ts";
import { createMember, PASSWORD, registerOwner } from "../../support/app.ts";
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

  const other = await registerOwner(app);
  const mover = await createMember(app, other);
  const invited = { ...json, email: mover.email };
  const again = await call(201, "POST /v1/invitations", { token, json: invited });
  const moving = { token: tokenIn(await app.lastMailTo(mover.email)) };
  await call(409, "POST /v1/invitations/accept", { json: { ...moving, password: PASSWORD } });
  await call(400, "POST /v1/invitations/join", { token, json: { token: "x" } });
  await call(204, "POST /v1/invitations/join", { token: mover.accessToken, json: moving });
  await call(404, `DELETE /v1/invitations/${again.id}`, { token });
  const last = await call(201, "POST /v1/invitations", {
    token,
    json: { email: "c@tour.example" },
  });
  await call(204, `DELETE /v1/invitations/${last.id}`, { token });
}
