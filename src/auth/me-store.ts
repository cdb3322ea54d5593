/** What `me` shows of a user and their tenant: read once, kept in memory, dropped when the database says that it changed. */
import type { Pool } from "pg";
import { createCache } from "../db/cache.ts";
import type { Listener } from "../db/listener.ts";
import type { Principal } from "../principal.ts";
import { type Tenant, toTenant } from "../tenants/schemas.ts";
import { toUser, type User } from "../users/public-user.ts";
import { findMe } from "./me-sql.ts";

/** Roles stand in the principal: they are forgotten with its permissions. */
export type Shown = { user: Omit<User, "roles">; tenant: Tenant | null; accountId: string | null };

type Asking = Pick<Principal, "userId" | "tenantId" | "accountId">;
type Changed = { userId: string } | { tenantId: string } | { accountId: string };

export type MeStore = {
  /** To be asked in the scope of the caller, whose rows it reads. Null once the user is gone. */
  of(principal: Asking): Promise<Shown | null>;
  /** Drops what is known of a user, of all of a tenant, or of all users of an account; without one, of everybody. */
  forget(changed?: Changed): void;
  watch(listener: Pick<Listener, "healthy">): void;
};

/** Some 2 KiB each: as many as an instance has people at work. */
const REMEMBERED_USERS = 10_000;

export function createMeStore(pool: Pick<Pool, "query">): MeStore {
  const shown = createCache(REMEMBERED_USERS, (_userId, principal: Asking) =>
    readShown(pool, principal),
  );
  return {
    async of(principal) {
      await hearing();
      return shown.get(principal.userId, principal);
    },
    forget(changed) {
      if (changed === undefined) shown.forget();
      else if ("userId" in changed) shown.forget(changed.userId);
      else if ("tenantId" in changed)
        shown.forgetWhere(({ tenant }) => tenant?.id === changed.tenantId);
      else shown.forgetWhere(({ accountId }) => accountId === changed.accountId);
    },
    watch: shown.watch,
  };
}

/** A turn of the event loop: what the database has told by now is heard before an answer from memory. */
function hearing(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function readShown(pool: Pick<Pool, "query">, principal: Asking): Promise<Shown | null> {
  const me = await findMe(pool, principal);
  if (!me) return null;
  const { roles, ...user } = toUser(me.user, []);
  return { user, tenant: me.tenant && toTenant(me.tenant), accountId: principal.accountId };
}
