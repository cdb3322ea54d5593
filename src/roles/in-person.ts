/** What nobody does in somebody else's name. */

import { ApiError } from "../errors.ts";
import type { Principal } from "../principal.ts";
import type { PermissionKey } from "./permissions.ts";

/** Effects that no permission of their own stands for. */
type Effect =
  | "credentials"
  | "set_password"
  | "change_address"
  | "change_status"
  | "start_reset"
  | "remove_factors";

/**
 * By effect, each with its reason: what takes data away, what cannot be taken back, and what people or machines log in
 * with. An impersonator is there to see and to mend for a quarter of an hour, on the record: nobody's password,
 * address, factor or key is set or taken away by them. Every check reads this table; an effect that is a permission is
 * checked wherever that is asked for.
 */
export const IN_PERSON = {
  credentials: "what a person logs in with, and what is stored about them, is theirs alone",
  set_password: "whoever sets a password, or its hash, can log in with it later",
  change_address: "whoever has the address of an account has the account",
  change_status: "it throws people out, and keeps them out or lets them in again",
  start_reset: "it begins the change of a password",
  remove_factors: "without them a password is enough",
  "session:revoke": "it throws people out, and they are to know by whom",
  "user:delete": "it ends sessions, and revokes keys for good",
  "user:import": "it brings passwords and proved addresses with it",
  "user:export": "it takes data away",
  "user:erase": "there is no way back",
  "user:impersonate": "nobody hides behind a third one",
  "audit:export": "it takes data away",
  "api_key:create": "a key outlasts whoever acted as its maker",
  "api_key:delete": "a machine stops, and nobody learns by whose hand",
  "service_account:delete": "it revokes keys for good",
  "tenant:delete": "nobody gets in any more",
  "tenant:purge": "there is no way back",
} as const satisfies Partial<Record<PermissionKey | Effect, string>>;

export type InPerson = keyof typeof IN_PERSON;

/** @throws ApiError `impersonation_forbidden` for whoever acts as somebody else, where the table above has the effect. */
export function assertInPerson(
  { impersonatorId }: Pick<Principal, "impersonatorId">,
  effect: InPerson | PermissionKey,
): void {
  if (impersonatorId === null || !isInPerson(effect)) return;
  throw new ApiError(
    "impersonation_forbidden",
    `Nobody does this in somebody else's name: ${IN_PERSON[effect]}.`,
  );
}

/** Answers the session of a person. @throws ApiError `session_required` for a machine. */
export function assertPerson({ sessionId }: Pick<Principal, "sessionId">): string {
  if (sessionId !== null) return sessionId;
  throw new ApiError("session_required");
}

function isInPerson(effect: string): effect is InPerson {
  return Object.hasOwn(IN_PERSON, effect);
}
