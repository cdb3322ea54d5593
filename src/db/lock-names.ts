/**
 * The first keys of our advisory locks, each with its second. Here alone, so that no two locks are one: the second key is
 * a hash of 32 bits, and a stranger finds an address whose hash is that of a tenant.
 */
export const LOCKS = {
  /** Roles and their permissions in a tenant, and its last owner: the tenant, or "platform". */
  grants: 730_202,
  /** The seats of a tenant: the tenant. */
  seats: 730_203,
  /** The first super admin: 1 within a transaction, 2 for whoever shows the token. */
  bootstrap: 730_204,
  /** See tenant-locks.ts: the tenant. */
  tenant: 730_205,
  power: 730_206,
  long: 730_207,
  /** Mails that complete a registration: the address. */
  registration: 730_208,
  /** Mails with a proof to whoever has an address, in whatever pool: the address. */
  mails: 730_210,
  /** Users of an account who come and go (migrations-sql/030_users.sql): the account. */
  account: 730_209,
  /** Which permissions of applications there are, and from which role up: 1. Shared by whoever puts one into a role. */
  permissions: 730_215,
} as const;
