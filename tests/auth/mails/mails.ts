/** What a user takes out of a mail, and the requests that lead to one. */
import type { ReceivedMail } from "../../../src/mail/transport.ts";
import { type Account, PASSWORD, randomName, type TestApp } from "../../support/app.ts";

export const NEW_PASSWORD = "a wholly different long phrase";

/** The token after the # of the mail's link. @throws Error when there is none. */
export function tokenIn({ subject, text }: ReceivedMail): string {
  const token = /#token=([\w-]+)$/m.exec(text)?.[1];
  if (!token) throw new Error(`no link in ${subject}`);
  return token;
}

/** The six digits of a mail. @throws Error when there are none. */
export function codeIn({ subject, text }: ReceivedMail): string {
  const code = /^\d{6}$/m.exec(text)?.[0];
  if (!code) throw new Error(`no code in ${subject}`);
  return code;
}

/** Six digits that are not these. */
export function otherCode(code: string, n = 1): string {
  return String((Number(code) + n) % 1_000_000).padStart(6, "0");
}

/** How many mails have gone to this address so far. */
export async function mailsTo(app: TestApp, address: string): Promise<number> {
  return (await app.mail()).filter(({ to }) => to === address).length;
}

/** Asks for a reset, and answers the token of the mail. */
export async function resetToken(app: TestApp, email: string): Promise<string> {
  await app.call("POST /v1/auth/forgot-password", { json: { email } });
  return tokenIn(await app.lastMailTo(email));
}

export function reset(app: TestApp, token: string, newPassword = NEW_PASSWORD) {
  return app.call("POST /v1/auth/reset-password", { json: { token, newPassword } });
}

/** Asks for a mail to log in with, and answers what came. */
export async function magicLink(app: TestApp, email: string, headers: Record<string, string> = {}) {
  const { body } = await app.call("POST /v1/auth/magic-link", { json: { email }, headers });
  const mail = await app.lastMailTo(email);
  return { challengeId: String(body.challengeId), token: tokenIn(mail), code: codeIn(mail) };
}

export function followLink(
  app: TestApp,
  json: { token: string } | { challengeId: string; code: string },
) {
  return app.call("POST /v1/auth/magic-link/verify", { json });
}

/** Asks for a new address, and answers what came there. */
export async function startChange(
  app: TestApp,
  account: Account,
  email = `${randomName()}@new.example`,
) {
  const { status } = await app.call("POST /v1/auth/me/email", {
    token: account.accessToken,
    json: { email },
  });
  if (status !== 202) throw new Error(`a change of address answered ${status}`);
  const mail = await app.lastMailTo(email);
  return { email, token: tokenIn(mail), code: codeIn(mail) };
}

/** Gives a user another address as an administrator does: asked for in person, and completed by the link of its mail. */
export async function replaceAddress(
  app: TestApp,
  { accessToken: token }: Pick<Account, "accessToken">,
  { id }: { id: string },
  email: string,
): Promise<void> {
  const asked = await app.call(`PATCH /v1/users/${id}`, { token, json: { email } });
  const json = { token: tokenIn(await app.lastMailTo(email)) };
  const done = await app.call("POST /v1/auth/email/verify", { json });
  if (asked.status !== 200 || done.status !== 204)
    throw new Error(`a change of address answered ${asked.status} and ${done.status}`);
}

/** Proves the address of an account, by the mail of its registration. */
export async function verify(app: TestApp, { accessToken, email }: Account): Promise<void> {
  const { status } = await app.call("POST /v1/auth/me/email/verify", {
    token: accessToken,
    json: { token: tokenIn(await app.lastMailTo(email)) },
  });
  if (status !== 204) throw new Error(`verification answered ${status}`);
}

/** The status of a log-in with a password. */
export async function passwordLogin(app: TestApp, email: string, password = PASSWORD) {
  return (await app.call("POST /v1/auth/login", { json: { email, password } })).status;
}

/** The audit rows of one action, the oldest first. */
export function auditOf(app: TestApp, action: string, resourceId: string) {
  return app.deps.db.auditLog.findMany({ where: { action, resourceId }, orderBy: { id: "asc" } });
}

/** A form for registering in `app`, with an address of its own. */
export function registration(name = randomName()) {
  return {
    email: `owner@${name}.example`,
    password: PASSWORD,
    tenant: { name, slug: name },
  };
}
