/** A row of the matrix, and the rules that say from it what each caller is answered. */
import { type PermissionKey, TENANT_PERMISSIONS } from "../../src/roles/permissions.ts";
import type { Account, TestApp } from "../support/app.ts";
import { type Access, type Caller, isPermission } from "./callers.ts";
import type { House } from "./houses.ts";
import type { Kind, Made } from "./objects.ts";

export type Row = {
  /** The permission; else "anonymous" for everybody, "token" for who is logged in or has a key, "session" for no key. */
  access: Access;
  /** A permission and a session: no key will do. */
  session?: true;
  /** The status; with `proof` that of a well-formed proof that is not right. */
  success: number;
  /** What the right caller would have to show, and where they do. */
  proof?: string;
  json?: unknown;
  /** What has to be there before. */
  before?: (at: At) => Promise<unknown>;
  /** In place of `json`, where it depends on who asks for what. */
  body?: (at: At) => object | Promise<object>;
  csv?: string;
  /** What the path names. A new one for each caller who may have it. */
  id?: Kind;
  /** In place of `id`, where the path names what belongs to no tenant, or the caller's own. */
  key?: (at: At) => Promise<string>;
  /** The caller's account or session does not outlive it, or must be as new. */
  fresh?: true;
  /** Nor does the caller's tenant. */
  endsTenant?: true;
  /** What `stale` is answered, and what they would have to send for that: an answer of its own for what is one's own. */
  stale?: Expected & { json?: (at: At) => object };
  /** Where the rules below do not hold. */
  except?: Partial<Record<Caller, readonly [status: number, reason: string]>>;
};

/** A try: who asks, for what, and in whose tenant it is. */
export type At = { app: TestApp; caller: Caller; house: House; who: Account; made: Made };

export type Expected = { status: number; code?: string };

/** The rules. They read from top to bottom: the first that holds. */
export function expected(row: Row, caller: Caller): Expected {
  const { access, id, success } = row;
  if (caller === "stale") return row.stale ?? expected(row, "with");
  if (access === "anonymous") return { status: success };
  if (caller === "anonymous") return { status: 401, code: "not_authenticated" };
  if (isGone(caller)) return { status: 401, code: "invalid_token" };
  if (isKey(caller) && needsSession(row)) return { status: 403, code: "session_required" };
  const exception = row.except?.[caller];
  if (exception) return { status: exception[0] };
  if (isPermission(access) && !holds(caller, access))
    return { status: 403, code: "permission_denied" };
  if (caller === "foreign" && id) return { status: 404, code: "not_found" };
  // What only platform accounts do, they do to tenants; a tenant's own people see none but theirs.
  if (isPermission(access) && !TENANT_PERMISSIONS.includes(access) && caller !== "root" && id)
    return { status: 404, code: "not_found" };
  return { status: success };
}

/** What changes how its owner logs in asks for a recent proof (R67), whatever the route. */
export const STEP_UP: Expected = { status: 401, code: "reauthentication_required" };

/** Those who log in no more: their tokens are all that is left. */
export function isGone(caller: Caller): caller is "suspended" | "deleted" | "disabled" {
  return caller === "suspended" || caller === "deleted" || caller === "disabled";
}

function isKey(caller: Caller): boolean {
  return caller === "keyWith" || caller === "keyWithout";
}

function needsSession({ access, session }: Row): boolean {
  return access === "session" || session === true;
}

function holds(caller: Caller, permission: PermissionKey): boolean {
  if (caller === "without" || caller === "keyWithout") return false;
  if (caller !== "admin" && caller !== "foreign") return true;
  return permission !== "tenant:delete" && TENANT_PERMISSIONS.includes(permission);
}
