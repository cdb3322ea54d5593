import { LIMITS, type Limit } from "../config/limits.ts";

/** How often what may be tried. Each counts attempts of one caller; `settle` does with those that were right as it says. */
export type Policy = Limit & {
  /** Only what fails counts: an office behind one address logs in all at once. */
  refund?: boolean;
  /** What is right has it begin anew, where it is settled beside the answer; elsewhere `reset` does. */
  anew?: boolean;
  /** All who share a network share it, whatever accounts they have: a large one (LARGE_NETWORKS) is given more. */
  ofNetwork?: boolean;
};

/** With the numbers that hold where no variable says others: `Config["limits"]`. */
export const POLICIES = {
  /** Wrong passwords and refused passkeys from one address. */
  login: { ...LIMITS.login, refund: true, ofNetwork: true },
  /** Passwords for one account from one address: other addresses are not held off by it. */
  guess: { ...LIMITS.guess, anew: true },
  /** All log-ins from one address, the right ones too: each costs a hash. A large office fits. */
  logins: { ...LIMITS.logins, ofNetwork: true },
  /** All log-ins to one account from one address: each right one is a session. */
  account_logins: LIMITS.account_logins,
  /** Passwords that somebody with a session shows or sets, the right ones too, of one user. */
  password: LIMITS.password,
  /** Codes and links that turn out wrong, from one address. */
  proof: { ...LIMITS.proof, refund: true, ofNetwork: true },
  /** New tenants from one address. */
  register: { ...LIMITS.register, ofNetwork: true },
  /**
   * Mails that somebody asks for, from one address: a school whose pupils log in by mail fits. What one account gets of
   * them is held by `links` (auth/mails/mailed-token.ts), what one mailbox gets by `proof_mail`.
   */
  mail: { ...LIMITS.mail, ofNetwork: true },
  /** Invitations from one address: whoever may register must not send mails to the world through us. */
  invitation: { ...LIMITS.invitation, ofNetwork: true },
  /** Invitations of one tenant to one mailbox. */
  mailbox: LIMITS.mailbox,
  /** What one mailbox is sent of each kind, by everybody together: see mail/budget.ts. Beyond it nobody is told. */
  proof_mail: LIMITS.proof_mail,
  unasked_mail: LIMITS.unasked_mail,
  notice_mail: LIMITS.notice_mail,
  /** Challenges for passkeys: each is a row. */
  challenge: { ...LIMITS.challenge, ofNetwork: true },
  /** Passwords that one tenant's administrators set for others, one by one or in bulk: each costs a hash. */
  set_passwords: LIMITS.set_passwords,
  /** Users that one tenant makes, in whatever way: each is some rows for good. */
  new_users: LIMITS.new_users,
  /** API keys and service accounts that one tenant makes. */
  new_machines: LIMITS.new_machines,
  /** Answers kept for one tenant under an Idempotency-Key: one for each, and one more for each KiB. */
  kept_answers: LIMITS.kept_answers,
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof POLICIES;
