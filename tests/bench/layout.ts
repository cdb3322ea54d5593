/** Who is in the seeded database: pure arithmetic, so that a request for user 4711 needs no look-up. */
import { createHash } from "node:crypto";

export type Tenant = {
  number: number;
  /** The first user, who owns the tenant; the others are members. */
  first: number;
  size: number;
};
export type Layout = {
  users: number;
  tenants: Tenant[];
  sessions: number;
  auditRows: number;
  /** With as many users as all others together; added when a row asks for it. Its owner has one more session. */
  later: Tenant;
};

/** One tenant has a fifth of all users and one a twentieth; the others share the rest. */
export function layoutOf(sizes: {
  users: number;
  tenants: number;
  auditRows: number;
  sessions: number;
}): Layout {
  const { users } = sizes;
  const large = [Math.floor(users / 5), Math.floor(users / 20)];
  const tenants: Tenant[] = [];
  for (let number = 1, first = 1; number <= sizes.tenants; number += 1) {
    const left = Math.floor((users + 1 - first) / (sizes.tenants + 1 - number));
    const size = Math.max(1, large[number - 1] ?? left);
    tenants.push({ number, first, size });
    first += size;
  }
  const later = { number: sizes.tenants + 1, first: users + 1, size: users };
  return { ...sizes, tenants, later };
}

/** All users in an order in which neighbours are of different tenants; 7919 is a prime. @param position from 0 on. */
export function scattered({ users }: Layout, position: number): number {
  return 1 + ((position * 7919) % users);
}

/** Whose session it is: first those of the owners, one a tenant, then of anybody. */
export function userOfSession(layout: Layout, session: number): number {
  const { tenants, later } = layout;
  if (session === sessionOfLater(layout)) return later.first;
  return tenants[session - 1]?.first ?? scattered(layout, session - tenants.length);
}

export function sessionOfLater({ sessions }: Layout): number {
  return sessions + 1;
}

export function tenantOf({ tenants, later }: Layout, user: number): number {
  if (user >= later.first) return later.number;
  return tenants.findLast(({ first }) => first <= user)?.number ?? 1;
}

/** The middle of the ids, so that rows of one table can be told from those of another. */
const KINDS = {
  tenant: "8001",
  user: "8002",
  account: "8003",
  session: "8004",
  token: "8005",
  audit: "8006",
};
export type Kind = keyof typeof KINDS;

export function idOf(kind: Kind, number: number): string {
  return `00000000-0000-7000-${KINDS[kind]}-${number.toString(16).padStart(12, "0")}`;
}

/** The same as an SQL expression. */
export function sqlIdOf(kind: Kind, number: string): string {
  return `('00000000-0000-7000-${KINDS[kind]}-' || lpad(to_hex((${number})::bigint), 12, '0'))::uuid`;
}

export function emailOf(user: number): string {
  return `user${user}@bench.example`;
}

/** The refresh token of a seeded session: known to whoever reads this, so no log-in is needed to have one. */
export function refreshTokenOf(session: number): string {
  return createHash("sha256").update(`session ${session}`).digest("base64url");
}

/** An address of its own for each number, so that no limit by address is reached. */
export function addressOf(user: number): string {
  return `10.${(user >> 16) & 255}.${(user >> 8) & 255}.${user & 255}`;
}
