/** Setting up second factors through the API, and showing them. */
import { setSystemTime } from "bun:test";
import { Secret, TOTP } from "otpauth";
import type { Account, TestApp } from "./app.ts";
import { type Authenticator, createAuthenticator } from "./authenticator.ts";

/**
 * Stops the clock of this process in the middle of a step of 30 seconds, so that no step ends between a code and its
 * check. @param seconds how far from now. Let it go on with `setSystemTime()`.
 */
export function stopClock(seconds = 0): void {
  setSystemTime();
  const step = Math.floor((Date.now() / 1000 + seconds) / 30);
  setSystemTime(new Date((step * 30 + 15) * 1000));
}

/** The code of an authenticator app, so many steps of 30 seconds from now. */
export function totpCode(secret: string, steps = 0): string {
  const totp = new TOTP({
    secret: Secret.fromBase32(secret),
    algorithm: "SHA1",
    digits: 6,
    period: 30,
  });
  return totp.generate({ timestamp: Date.now() + steps * 30_000 });
}

/** Sets up an authenticator app. The code of the step before is spent; that of now is free. */
export async function enrolTotp(
  app: TestApp,
  { accessToken: token }: Pick<Account, "accessToken">,
) {
  const started = await app.call("POST /v1/auth/me/totp", { token });
  const secret: string = started.body.secret;
  const confirm = () =>
    app.call("POST /v1/auth/me/totp/confirm", { token, json: { code: totpCode(secret, -1) } });
  let confirmed = await confirm();
  // Where the clock goes on, a step that ends in between makes the code one of two steps ago.
  if (confirmed.status === 422) confirmed = await confirm();
  if (confirmed.status !== 200) throw new Error(`enrolment answered ${confirmed.status}`);
  return { secret, recoveryCodes: confirmed.body.recoveryCodes as string[] };
}

export async function enrolPasskey(
  app: TestApp,
  { accessToken: token }: Pick<Account, "accessToken">,
  authenticator: Authenticator = createAuthenticator(),
) {
  const options = (await app.call("POST /v1/auth/me/passkeys/options", { token })).body;
  const { status, body } = await app.call("POST /v1/auth/me/passkeys", {
    token,
    json: { name: "Laptop", response: authenticator.register(options) },
  });
  if (status !== 201)
    throw new Error(`a passkey was answered with ${status}: ${JSON.stringify(body)}`);
  return { id: body.id as string, authenticator, userHandle: options.user.id as string };
}

/** Makes the codes of this and the neighbouring steps good again, as if time had passed. */
export async function forgetSteps(app: TestApp, { id }: Pick<Account, "id">): Promise<void> {
  await app.deps.db.totpFactor.updateMany({ where: { accountId: id }, data: { lastStep: 0 } });
}

/** What an access token says, without a look at its signature. */
export function claimsOf(accessToken: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString());
}
