/** Accounts that their people end. */
import {
  type Account,
  createMember,
  proveAddress,
  registerOwner,
  type TestApp,
} from "../../support/app.ts";
import { joinTenant, type Owner } from "../../support/memberships.ts";
import { tokenIn } from "../mails/mails.ts";

export type Guest = { home: Owner; host: Owner; person: Account; there: Account };

/** A member of `home` who is a member of `host` too: the same account, in two sessions of one tenant each. */
export async function guest(app: TestApp, roles = ["admin"]): Promise<Guest> {
  const [home, host] = [await registerOwner(app), await registerOwner(app)];
  const person = await createMember(app, home, ["admin"]);
  await proveAddress(app, person);
  const there = await joinTenant(app, person, host, roles);
  return { home, host, person, there };
}

/** @throws Error when it is refused. */
export async function leaveForGood(app: TestApp, who: Pick<Account, "accessToken">) {
  const { status, body } = await app.as(who, "DELETE /v1/auth/me");
  if (status !== 204)
    throw new Error(`deleting an account answered ${status}: ${JSON.stringify(body)}`);
}

/** The token of the mail that tells of it. */
export async function undoToken(app: TestApp, email: string): Promise<string> {
  return tokenIn(await app.lastMailTo(email));
}

export function restore(app: TestApp, token: string) {
  return app.call("POST /v1/auth/restore-account", { json: { token } });
}

/** @throws Error when it is refused. */
export async function restoreAccount(app: TestApp, email: string): Promise<void> {
  const { status } = await restore(app, await undoToken(app, email));
  if (status !== 204) throw new Error(`restoring an account answered ${status}`);
}
