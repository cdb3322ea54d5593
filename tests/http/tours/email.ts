import { codeIn, otherCode, registration, tokenIn } from "../../auth/mails/mails.ts";
import { createMember, PASSWORD, randomName, registerOwner } from "../../support/app.ts";
import type { Tour } from "../tour.ts";

/** What is done by mail. */
export async function tour({ app, call, owner }: Tour): Promise<void> {
  const { email, accessToken: token } = await registerOwner(app);
  const code = codeIn(await app.lastMailTo(email));
  await call(202, "POST /v1/auth/me/email/verification", { token });
  await call(400, "POST /v1/auth/me/email/verify", { token, json: { code: otherCode(code) } });
  const verify = { token: tokenIn(await app.lastMailTo(email)) };
  await call(204, "POST /v1/auth/me/email/verify", { token, json: verify });

  await call(202, "POST /v1/auth/magic-link", { json: { email } });
  const link = { token: tokenIn(await app.lastMailTo(email)) };
  await call(200, "POST /v1/auth/magic-link/verify", { json: link });
  await call(400, "POST /v1/auth/magic-link/verify", { json: link });

  const json = { email: `${randomName()}@tour.example` };
  await call(202, "POST /v1/auth/me/email", { token, json });
  const change = { token: tokenIn(await app.lastMailTo(json.email)) };
  const rival = await registerOwner(app);
  await call(202, "POST /v1/auth/me/email", { token: rival.accessToken, json });
  const late = { token: tokenIn(await app.lastMailTo(json.email)) };
  await call(204, "POST /v1/auth/me/email/verify", { token, json: change });
  const taken = { token: rival.accessToken, json: late };
  await call(409, "POST /v1/auth/me/email/verify", taken);

  await call(202, "POST /v1/auth/forgot-password", { json });
  const reset = { token: tokenIn(await app.lastMailTo(json.email)), newPassword: `${PASSWORD}?` };
  await call(204, "POST /v1/auth/reset-password", { json: reset });
  await call(400, "POST /v1/auth/reset-password", { json: reset });

  const member = await createMember(app, owner);
  const start = `POST /v1/users/${member.id}/reset-password`;
  await call(401, start);
  await call(202, start, { token: owner.accessToken });
  await call(403, start, { token: member.accessToken });
  await call(404, "POST /v1/users/x/reset-password", { token: owner.accessToken });

  const mended = { email: `${randomName()}@tour.example` };
  await call(200, `PATCH /v1/users/${member.id}`, { token: owner.accessToken, json: mended });
  const mend = { token: tokenIn(await app.lastMailTo(mended.email)) };
  await call(204, "POST /v1/auth/email/verify", { json: mend });
  await call(400, "POST /v1/auth/email/verify", { json: mend });
  await call(422, "POST /v1/auth/email/verify", { json: {} });

  // Jobs are worked off side by side: the mail of the reset shall not be the last one.
  await app.mail();
  await app.deps.jobs.send("mail_request", {
    request: { kind: "unlock", email: mended.email },
    origin: { requestId: "tour", ip: null, userAgent: null, language: null, device: null },
  });
  const unlock = { token: tokenIn(await app.lastMailTo(mended.email)) };
  await call(204, "POST /v1/auth/unlock", { json: unlock });
  await call(400, "POST /v1/auth/unlock", { json: unlock });

  await endAccount({ app, call });
  await registerByMail({ app, call });
}

async function endAccount({ app, call }: Pick<Tour, "app" | "call">): Promise<void> {
  const owner = await registerOwner(app);
  await call(401, "DELETE /v1/auth/me");
  await call(409, "DELETE /v1/auth/me", { token: owner.accessToken });
  const { email, accessToken: token } = await createMember(app, owner);
  await call(204, "DELETE /v1/auth/me", { token });
  const json = { token: tokenIn(await app.lastMailTo(email)) };
  await call(204, "POST /v1/auth/restore-account", { json });
  await call(400, "POST /v1/auth/restore-account", { json });
  await call(422, "POST /v1/auth/restore-account", { json: {} });
}

async function registerByMail({ app, call }: Pick<Tour, "app" | "call">): Promise<void> {
  app.deps.config.emailVerification = "required";
  const json = registration();
  const { challengeId } = await call(202, "POST /v1/auth/register", { json });
  const proof = { challengeId, code: codeIn(await app.lastMailTo(json.email)) };
  await call(201, "POST /v1/auth/register/complete", { json: proof });
  await call(400, "POST /v1/auth/register/complete", { json: proof });
  app.deps.config.emailVerification = "optional";
}
