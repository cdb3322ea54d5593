/** A log-in that is older than STEP_UP_SECONDS: an open browser that somebody finds. */
import type { Account, TestApp } from "./app.ts";

const YESTERDAY_MILLIS = 24 * 3600_000;

/** The account as its session of yesterday has it: every token of it says so, and the session itself. */
export async function ageLogIn<Some extends Account>(app: TestApp, account: Some): Promise<Some> {
  const { expiresAt: _, ...claims } = await app.deps.accessTokens.verify(account.accessToken);
  const begun = new Date(Date.now() - YESTERDAY_MILLIS);
  await app.deps.db.session.updateMany({
    where: { id: claims.sessionId },
    data: { createdAt: begun },
  });
  const { token } = await app.deps.accessTokens.sign({
    ...claims,
    authenticatedAt: Math.floor(begun.getTime() / 1000),
  });
  return { ...account, accessToken: token };
}
