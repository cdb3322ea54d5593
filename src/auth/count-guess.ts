import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { type MailRequest, requestMail } from "./email/mail-requests.ts";
import { countFailure } from "./throttle.ts";

type Guess = {
  /** At whose secret; null where there is nobody, which takes the same statement. */
  id: string | null;
  /** Whether the account has been used from the caller's address. */
  known?: boolean | undefined;
  /** Nobody who asks is to learn that there is an account: its mail is asked for beside the answer. */
  unseen?: boolean;
};

/**
 * Counts a wrong guess at any secret of an account: password, second factor or mailed code, before a session or within
 * one. All of them count together, and when the account locks by it, its owner is mailed a way out.
 */
export async function countGuess(
  tx: Transaction,
  ctx: Context,
  { id, known, unseen = false }: Guess,
): Promise<void> {
  const locked = await countFailure(tx, id, known);
  if (!locked) return;
  const request = {
    kind: "unlock",
    email: locked.email,
    tenant: locked.tenant ?? undefined,
  } as const;
  if (unseen) mailBeside(ctx, request);
  else await requestMail(ctx, request, tx);
}

/**
 * Asks for a mail without waiting for it: the answer must take as long as for any other failure. What fails here fails
 * beside the answer.
 */
export function mailBeside(ctx: Context, request: MailRequest): void {
  requestMail(ctx, request).catch((err) =>
    ctx.log("error", "a mail could not be queued", {
      requestId: ctx.origin.requestId,
      error: err instanceof Error ? err.name : typeof err,
    }),
  );
}
