/**
 * What an operation on a person of a tenant may change of the account behind them. Of one that other tenants share, what a
 * tenant's people ask for changes nothing at all; `alone` is such an account without another tenant.
 */
import type { Part, Target } from "./targets.ts";

/** The status, and what is not as it was afterwards. */
type Effect = [status: number, ...changes: Part[]];

export type Power = {
  json?: (target: Target) => object;
  /** The user in the path was deleted before. */
  isDeleted?: true;
  /** By the people of the tenant, over an account of its own pool, settled or not. */
  own: Effect;
  /** By them, over a shared account: what nobody else uses ends with its last user. Without it: as `alone`, no change. */
  shared: number;
  alone?: Part[];
  /** By a platform account, over a shared one that another tenant has a user of. */
  root: Effect;
};

const READ: Power = { own: [200], shared: 200, root: [200] };
const SHARED_ACCOUNT = 403;
const PLATFORM_ONLY = 403;

export const POWERS: Record<string, Power> = {
  "GET /v1/users/{id}": READ,
  "GET /v1/users/{id}/profile": READ,
  "GET /v1/users/{id}/roles": READ,
  "GET /v1/users/{id}/sessions": READ,
  "GET /v1/users/{id}/personal-data": READ,
  "PATCH /v1/users/{id}": { ...READ, json: () => ({ firstName: "Ada" }) },
  "PATCH /v1/users/{id} with a status": {
    json: () => ({ status: "disabled" }),
    own: [200, "sessions"],
    shared: 200,
    alone: ["sessions"],
    root: [200],
  },
  "PATCH /v1/users/{id} with an address": {
    json: ({ id }) => ({ email: `${id}@elsewhere.example` }),
    own: [200, "account"],
    shared: SHARED_ACCOUNT,
    // A copy of what waits is at every user of the account.
    root: [200, "account", "there"],
  },
  "PATCH /v1/users/{id}/profile": { ...READ, json: () => ({ language: "de" }) },
  "PUT /v1/users/{id}/roles": { ...READ, json: () => ({ roles: ["newcomer"] }) },
  "DELETE /v1/users/{id}": {
    own: [204, "account", "sessions"],
    shared: 204,
    alone: ["account", "sessions"],
    root: [204],
  },
  "POST /v1/users/{id}/restore": {
    isDeleted: true,
    own: [200, "account"],
    shared: 200,
    alone: ["account"],
    root: [200],
  },
  "POST /v1/users/{id}/reset-password": {
    own: [202],
    shared: SHARED_ACCOUNT,
    root: [202, "log there", "platform"],
  },
  "POST /v1/users/{id}/erase": {
    json: ({ email }) => ({ email }),
    own: [204, "account", "factors", "sessions"],
    shared: 204,
    alone: ["account", "factors", "sessions"],
    root: [204],
  },
  "POST /v1/users/{id}/impersonate": {
    json: () => ({ reason: "Ticket 4711" }),
    own: [PLATFORM_ONLY],
    shared: PLATFORM_ONLY,
    // A session of its own, which speaks for that user alone.
    root: [200, "sessions"],
  },
  "DELETE /v1/users/{id}/factors": {
    own: [204, "factors", "sessions"],
    shared: SHARED_ACCOUNT,
    root: [204, "factors", "sessions", "log there", "platform"],
  },
  "DELETE /v1/users/{id}/sessions": {
    own: [204, "sessions"],
    shared: 204,
    alone: ["sessions"],
    root: [204],
  },
  "DELETE /v1/users/{id}/sessions/{sessionId}": {
    own: [204, "sessions"],
    shared: 204,
    alone: ["sessions"],
    root: [204],
  },
};
