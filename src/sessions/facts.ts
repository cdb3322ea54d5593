/**
 * How somebody proved who they are, in the words of RFC 8176: `hwk` is a passkey bound to one device, `swk` one that its
 * provider copies, `user` that the device made sure of its user, `mfa` that two different kinds of factor were shown.
 * Two words are ours: `email` (a link or code by mail, which never counts as a second factor: SP 800-63B-4, 3.1.3.1) and
 * `recovery` (a printed recovery code).
 */
export type AuthenticationMethod =
  | "pwd"
  | "otp"
  | "hwk"
  | "swk"
  | "user"
  | "mfa"
  | "email"
  | "recovery";

/** What is known of a session wherever its tokens go. */
export type SessionFacts = {
  sessionId: string;
  amr: readonly string[];
  /** When its user last proved who they are: such a proof always begins a new session. */
  authenticatedAt: Date;
  /** The tenant asks for a second factor: without `mfa` in `amr` the session may do nothing but set one up. */
  mfaRequired: boolean;
};

/** Something that one has, shown for itself. */
export const POSSESSION: readonly string[] = ["otp", "recovery", "hwk", "swk"];

/**
 * What the methods amount to together. `mfa` only for two kinds of factor: a password and something that one has, or a
 * passkey that made sure of its user. A mail and an app are both something that one has.
 */
export function withMfa(methods: readonly AuthenticationMethod[]): AuthenticationMethod[] {
  const unique = [...new Set(methods)].filter((method) => method !== "mfa");
  const hasPasskey = unique.includes("hwk") || unique.includes("swk");
  const twoKinds = unique.includes("pwd") && unique.some((method) => POSSESSION.includes(method));
  return twoKinds || (hasPasskey && unique.includes("user")) ? [...unique, "mfa"] : unique;
}
