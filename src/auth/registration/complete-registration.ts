/**
 * Registering where addresses have to be proved first (EMAIL_VERIFICATION=required). Nothing is made before the proof:
 * no account that a stranger prepared waits for the owner of its address, and no slug tells that one was made.
 */

import { userPoolOf } from "../../accounts/pool.ts";
import type { Context } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import { randomToken } from "../../crypto/secret.ts";
import { commit } from "../../db/commit.ts";
import { newId } from "../../db/id.ts";
import { LOCKS } from "../../db/lock-names.ts";
import { type Registration, requestMail } from "../../mail/requests.ts";
import { sendProof, tellUser } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import {
  CODE_SECONDS,
  findByCode,
  findToken,
  type OneTimeToken,
  useToken,
} from "../../one-time-tokens/redeem.ts";
import { assertSlugFree } from "../../tenants/create.ts";
import { assertNameHonest } from "../../tenants/lookalike.ts";
import { addressHolder } from "../address/taken.ts";
import { tokenAnswer } from "../answer.ts";
import { sendMagicLink } from "../login/magic-link.ts";
import { linkFor } from "../mails/links.ts";
import { invalidMailedToken, mayHaveMail } from "../mails/mailed-token.ts";
import type { ChallengeAnswer } from "../mails/schemas.ts";
import type { TokenAnswer } from "../schemas.ts";
import { insertRegistration } from "./insert-registration.ts";
import type { CompleteRegistrationInput } from "./schemas.ts";

const LINK_MINUTES = 60;

/** Keeps the registration for the job that mails it. @throws ApiError `slug_taken`: slugs are public; `name_confusable`. */
export async function beginRegistration(
  ctx: Context,
  registration: Registration,
): Promise<ChallengeAnswer> {
  await assertSlugFree(ctx, registration.tenant.slug);
  await assertNameHonest(ctx, registration.tenant.name);
  const challenge = randomToken();
  await requestMail(ctx, { kind: "registration", challenge, registration });
  return { challengeId: challenge, expiresIn: CODE_SECONDS };
}

/**
 * The job behind it. A token is made for a taken address too, though nobody learns it: tries at a code must cost the same.
 */
export async function sendRegistrationMail(
  ctx: Context,
  challenge: string,
  registration: Registration,
): Promise<void> {
  const { email, tenant } = registration;
  // A tenant with a pool of its own has nobody yet when it is new.
  const isShared = userPoolOf(ctx.config, {}) === "shared";
  const taken = isShared ? await addressHolder(ctx.db, null, email) : null;
  await commit(ctx, async (tx) => {
    // One after the other: of several at once each would find the hour's mails not yet sent.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.registration}::int, hashtext(${email}))`;
    if (!(await mayHaveMail(tx, ctx, { userId: null, purpose: "register", email }))) return;
    const { token, code } = await issueOneTimeToken(tx, ctx, {
      purpose: "register",
      user: null,
      email,
      ttlSeconds: LINK_MINUTES * 60,
      challenge,
      withCode: true,
      payload: registration,
    });
    if (taken) {
      await tellUser(tx, ctx, taken, { template: "address_in_use", link: ctx.config.appUrl });
    } else {
      await sendProof(
        tx,
        ctx,
        { email },
        {
          template: "complete_registration",
          link: linkFor(ctx, "register", token),
          code: code ?? "",
          minutes: LINK_MINUTES,
          tenant: tenant.name,
        },
      );
    }
  });
  // Whoever reads there hears of an account that they never proved by a way into it, and not by a notice.
  if (taken && !taken.verified) await sendMagicLink(ctx, { email });
}

/**
 * Makes the tenant and its owner, whose address is proved by now, and logs the owner in. When it fails after the proof,
 * the proof is not used up.
 * @throws ApiError `invalid_one_time_token`, `overloaded`, `email_taken`, `slug_taken` (when it went to somebody else
 * meanwhile).
 */
export async function completeRegistration(
  ctx: Context,
  input: CompleteRegistrationInput,
): Promise<TokenAnswer> {
  // Before the transaction: a connection must not wait for the queue of hashes.
  const token = await findRegistration(ctx, input);
  if (!token) throw invalidMailedToken();
  const { user, session } = await commit(ctx, async (tx) => {
    if (!(await useToken(tx, token))) throw invalidMailedToken();
    return insertRegistration(tx, ctx, {
      ...(token.payload as Registration),
      tenantId: newId(),
      userId: newId(),
      emailVerifiedAt: new Date(),
    });
  });
  return tokenAnswer(ctx, user, session);
}

async function findRegistration(
  ctx: Context,
  input: CompleteRegistrationInput,
): Promise<OneTimeToken | null> {
  if ("code" in input)
    return findByCode(ctx.db, ctx, ["register"], { challenge: input.challengeId }, input.code);
  const token = await findToken(ctx.db, ctx, ["register"], input.token);
  if (!token) return null;
  const { passwordHash } = token.payload as Registration;
  return (await ctx.passwords.verify(passwordHash, input.password, hashedFor(ctx))) ? token : null;
}
