/** A change of address that somebody else begins, and the two places that take its link. */
import { type Account, randomName, type TestApp } from "../support/app.ts";

export const BY_LINK = "POST /v1/auth/email/verify";
export const IN_SESSION = "POST /v1/auth/me/email/verify";
export const INVALID = [400, "invalid_one_time_token"];

export const newAddress = () => `${randomName()}@new.example`;

/** The user's row, with what of it stands in the account. */
export async function rowOf({ deps: { db } }: TestApp, { id }: { id: string }) {
  const { account, ...user } = await db.user.findUniqueOrThrow({
    where: { id },
    include: { account: { select: { passwordHash: true } } },
  });
  return { ...user, passwordHash: account?.passwordHash ?? null };
}

/** Asks for another address of a user, as whoever has this token. */
export function change(app: TestApp, token: string, { id }: { id: string }, email: string) {
  return app.call(`PATCH /v1/users/${id}`, { token, json: { email } });
}

/** What the link answers: its status, and the code of a refusal. */
export async function follow(app: TestApp, token: string, route = BY_LINK, as?: Account) {
  const { status, body } = await app.call(route, {
    json: { token },
    ...(as && { token: as.accessToken }),
  });
  return status === 204 ? [204] : [status, body.code];
}
