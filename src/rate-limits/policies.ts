/** How often what may be tried. Each counts attempts of one caller; `refund` gives those back that were right. */
export type Policy = {
  /** Attempts in a window. */
  quota: number;
  windowSeconds: number;
  /** Only what fails counts: an office behind one address logs in all at once. */
  refund?: boolean;
  /** Whoever goes on is held off twice as long each time, up to this. Without it the window is all there is. */
  longestSeconds?: number;
};

export const POLICIES = {
  /** Wrong passwords and refused passkeys from one address. */
  login: { quota: 50, windowSeconds: 300, refund: true, longestSeconds: 3600 },
  /** Passwords for one account from one address: other addresses are not held off by it. */
  guess: { quota: 10, windowSeconds: 60, longestSeconds: 900 },
  /** All log-ins from one address, the right ones too: each costs a hash. A large office fits. */
  logins: { quota: 1000, windowSeconds: 60 },
  /** All log-ins to one account from one address: each right one is a session. */
  account_logins: { quota: 300, windowSeconds: 3600 },
  /** Passwords that somebody with a session shows or sets, the right ones too, of one user. */
  password: { quota: 30, windowSeconds: 3600 },
  /** Codes and links that turn out wrong, from one address. */
  proof: { quota: 30, windowSeconds: 600, refund: true, longestSeconds: 3600 },
  /** New tenants from one address. */
  register: { quota: 20, windowSeconds: 3600 },
  /** Mails that somebody asks for. */
  mail: { quota: 20, windowSeconds: 3600 },
  /** Invitations from one address: whoever may register must not send mails to the world through us. */
  invitation: { quota: 200, windowSeconds: 3600 },
  /** Invitations of one tenant to one mailbox. */
  mailbox: { quota: 5, windowSeconds: 3600 },
  /** What one mailbox is sent of each kind, by everybody together: see mail/budget.ts. Beyond it nobody is told. */
  proof_mail: { quota: 10, windowSeconds: 3600 },
  unasked_mail: { quota: 30, windowSeconds: 86_400 },
  notice_mail: { quota: 5, windowSeconds: 3600 },
  /** Challenges for passkeys: each is a row. */
  challenge: { quota: 60, windowSeconds: 60 },
  /** Passwords that one tenant's administrators set for others, one by one or in bulk: each costs a hash. */
  set_passwords: { quota: 10_000, windowSeconds: 3600 },
  /** Users that one tenant makes, in whatever way: each is some rows for good. */
  new_users: { quota: 200_000, windowSeconds: 86_400 },
  /** API keys and service accounts that one tenant makes. */
  new_machines: { quota: 500, windowSeconds: 3600 },
  /** Answers kept for one tenant under an Idempotency-Key: one for each, and one more for each KiB. */
  kept_answers: { quota: 100_000, windowSeconds: 86_400 },
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof POLICIES;
