/**
 * Whoever finds an open browser, or a key, must not be able to change how its owner logs in (ASVS 5.0, 7.5.1). The rule
 * follows the effect and not the route: whatever changes an address, a password, a factor, a key, a session or the
 * account itself asks here, in the function that does it, whoever calls that.
 */
import type { AuthedContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { assertInPerson, assertPerson } from "../roles/in-person.ts";

/**
 * @throws ApiError `reauthentication_required` with the challenge of RFC 9470 when the log-in is older than
 * STEP_UP_SECONDS; `session_required` for a machine, which can prove nothing; `impersonation_forbidden` for whoever acts
 * as somebody else: the proof was another's.
 */
export function assertRecentProof({
  principal,
  config,
}: Pick<AuthedContext, "principal" | "config">): void {
  assertInPerson(principal, "credentials");
  assertPerson(principal);
  if (Date.now() / 1000 - principal.authenticatedAt <= config.stepUpSeconds) return;
  throw new ApiError("reauthentication_required", undefined, {
    maxAgeSeconds: config.stepUpSeconds,
  });
}

/**
 * For what changes how `userId` logs in, or ends that: of oneself it takes a recent proof, by whatever route one gets
 * there. Of somebody else it is a matter of permissions. @throws ApiError as `assertRecentProof`.
 */
export function assertMayChangeLogin(
  ctx: Pick<AuthedContext, "principal" | "config">,
  userId: string,
): void {
  // A path may have its id in capitals.
  if (userId.toLowerCase() === ctx.principal.userId) assertRecentProof(ctx);
}
