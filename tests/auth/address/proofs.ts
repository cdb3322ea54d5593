/** Proving an address in a session, and what is known of it then. */
import type { Account, TestApp } from "../../support/app.ts";

/** Shows what a mail brought, and answers the status. */
export async function prove(
  app: TestApp,
  { accessToken: token }: Pick<Account, "accessToken">,
  json: object,
): Promise<number> {
  return (await app.call("POST /v1/auth/me/email/verify", { token, json })).status;
}

export async function addressOf(app: TestApp, { id }: Pick<Account, "id">) {
  const { email, emailVerifiedAt } = await app.deps.db.user.findUniqueOrThrow({ where: { id } });
  return { email, verified: emailVerifiedAt !== null };
}
