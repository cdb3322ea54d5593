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
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof POLICIES;
