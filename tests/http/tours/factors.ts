import { type Account, createMember, PASSWORD, registerOwner } from "../../support/app.ts";
import { createAuthenticator } from "../../support/authenticator.ts";
import { forgetSteps, totpCode } from "../../support/factors.ts";
import type { Tour } from "../tour.ts";

/** Second factors, passkeys, and proving again who one is. */
export async function tour(t: Tour): Promise<void> {
  const owner = await registerOwner(t.app);
  await tourOfTotp(t, owner);
  await tourOfPasskeys(t, await registerOwner(t.app));
  const member = await createMember(t.app, owner);
  await t.call(404, `DELETE /v1/users/${member.id}/factors`, { token: t.owner.accessToken });
  await t.call(403, `DELETE /v1/users/${owner.id}/factors`, { token: member.accessToken });
  await t.call(204, `DELETE /v1/users/${member.id}/factors`, { token: owner.accessToken });
}

async function tourOfTotp({ app, call }: Tour, owner: Account): Promise<void> {
  const { accessToken: token } = owner;
  await call(404, "DELETE /v1/auth/me/totp", { token });
  await call(404, "POST /v1/auth/me/recovery-codes", { token });
  await call(404, "POST /v1/auth/me/totp/confirm", { token, json: { code: "000000" } });
  const secret = (await call(200, "POST /v1/auth/me/totp", { token })).secret as string;
  await call(422, "POST /v1/auth/me/totp/confirm", { token, json: { code: "0" } });
  await call(200, "POST /v1/auth/me/totp/confirm", { token, json: { code: totpCode(secret) } });
  await call(409, "POST /v1/auth/me/totp", { token });
  await call(200, "POST /v1/auth/me/recovery-codes", { token });
  await call(200, "GET /v1/auth/me/factors", { token });

  const json = { email: owner.email, password: PASSWORD };
  const { mfaToken } = await call(200, "POST /v1/auth/login", { json });
  const step = { mfaToken, method: "totp" };
  await call(401, "POST /v1/auth/mfa/verify", { json: { ...step, code: "0" } });
  await forgetSteps(app, owner);
  await call(200, "POST /v1/auth/mfa/verify", { json: { ...step, code: totpCode(secret) } });
  await call(200, "POST /v1/auth/reauthenticate", { token, json: { password: PASSWORD } });
  await call(422, "POST /v1/auth/reauthenticate", { token, json: { password: "wrong" } });
  await call(204, "DELETE /v1/auth/me/totp", { token });
}

async function tourOfPasskeys({ call }: Tour, owner: Account): Promise<void> {
  const { accessToken: token } = owner;
  const authenticator = createAuthenticator();
  const given = await call(200, "POST /v1/auth/me/passkeys/options", { token });
  const options = given as { challenge: string; user: { id: string } };
  const json = { name: "Phone", response: authenticator.register(options) };
  const { id } = await call(201, "POST /v1/auth/me/passkeys", { token, json });
  await call(422, "POST /v1/auth/me/passkeys", { token, json });
  await call(200, "GET /v1/auth/me/factors", { token });
  await call(200, `PATCH /v1/auth/me/passkeys/${id}`, { token, json: { name: "Laptop" } });
  await call(404, "PATCH /v1/auth/me/passkeys/x", { token, json: { name: "Laptop" } });

  const login = (await call(200, "POST /v1/auth/passkey/options")) as { challenge: string };
  const response = authenticator.assert(login);
  await call(200, "POST /v1/auth/passkey/login", { json: { response } });
  await call(401, "POST /v1/auth/passkey/login", { json: { response } });

  const password = { email: owner.email, password: PASSWORD };
  const { mfaToken } = await call(200, "POST /v1/auth/login", { json: password });
  await call(401, "POST /v1/auth/mfa/passkey-options", { json: { mfaToken: "x" } });
  const step = await call(200, "POST /v1/auth/mfa/passkey-options", { json: { mfaToken } });
  const shown = authenticator.assert(step as { challenge: string });
  await call(200, "POST /v1/auth/mfa/verify", {
    json: { mfaToken, method: "passkey", response: shown },
  });
  await call(204, `DELETE /v1/auth/me/passkeys/${id}`, { token });
  await call(404, `DELETE /v1/auth/me/passkeys/${id}`, { token });
  await call(200, "POST /v1/auth/reauthenticate/passkey-options", { token });
}
