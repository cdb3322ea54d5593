/** Reading the audit log: filters, time, pages, and never another tenant's rows. */
import { beforeAll, expect, test } from "bun:test";
import type { AuditRow } from "../../src/audit/list.ts";
import { auditRoutes } from "../../src/audit/routes.ts";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import {
  createMemberWith,
  type RouteCase,
  routesOf,
  testRoutes,
  type World,
} from "../users/routes.ts";

const FILTERS_REFUSED = [
  ...["ip=1", "ip=203.0.113.7%2F24", "ip=x", "requestId=", "requestId=%0A"],
  ...[`requestId=${"x".repeat(65)}`, "sessionId=x", "impersonatorId=1", "from=yesterday"],
];

const CASES: RouteCase[] = [
  {
    route: "GET /v1/audit-logs",
    permission: "audit:read",
    success: 200,
    invalid: [
      ...[
        "limit=0",
        "limit=101",
        "cursor=x",
        "actorId=x",
        "resourceId=1",
        "tenantId=",
        "outcome=maybe",
        "page=1",
        "unknown=1",
      ],
      ...[
        "from=yesterday",
        "from=2020-01-01",
        "from=2020-01-01T00:00:00",
        "from=2020-02-30T00:00:00Z",
        "to=",
        "from=1&from=2",
      ],
      // Years that PostgreSQL does not have, or does not read as we write them.
      ...[
        "from=0000-12-31T00:00:00Z",
        "from=9999-12-31T23:59:59-23:59",
        "to=%2B010000-01-01T00:00:00Z",
        "to=0001-01-01T00:00:00%2B01:00",
      ],
      ...[`action=${"x".repeat(65)}`, "action=%00", `resourceType=${"x".repeat(51)}`],
      ...FILTERS_REFUSED,
    ].map((query) => `?${query}`),
  },
  {
    route: "GET /v1/audit-logs/export",
    permission: "audit:export",
    success: 200,
    invalid: ["limit=1", "cursor=x", "tenantId=", ...FILTERS_REFUSED].map((query) => `?${query}`),
  },
];

const app = testApp();
let world: World;
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
beforeAll(async () => {
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  const id = async () => newId();
  world = {
    app,
    caller: await createMemberWith(app, owner),
    powerless: await createMember(app, owner, []),
    own: id,
    foreign: id,
  };
  await app.deps.db.auditLog.createMany({
    data: Array.from({ length: 24 }, (_, n) => ({
      id: newId(),
      tenantId: n % 2 ? owner.tenantId : stranger.tenantId,
      actorId: n % 3 ? owner.id : stranger.id,
      action: n % 4 < 2 ? "test.one" : "test.two",
      resourceType: n % 5 ? "thing" : "other",
      resourceId: n % 6 < 3 ? owner.id : null,
      outcome: n % 7 ? ("success" as const) : ("failure" as const),
      impersonatorId: n % 4 ? null : stranger.id,
      sessionId: n % 5 ? owner.id : stranger.id,
      ip: n % 3 ? "2001:db8::7" : "203.0.113.7",
      userAgent:
        n % 2 ? "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" : null,
      requestId: n % 6 ? "request-1" : "request-2",
      // Two at every moment, so that pages break between equals.
      createdAt: new Date(Date.UTC(2020, 0, 1, 0, Math.floor(n / 4))),
    })),
  });
});

test("every route of the audit log is tested here", () => {
  expect(routesOf(auditRoutes, "/v1/audit-logs")).toEqual(CASES.map(({ route }) => route));
});

testRoutes(CASES, () => world);

async function list(query: string, token = owner.accessToken): Promise<AuditRow[]> {
  const { status, body } = await app.call(`GET /v1/audit-logs?limit=100&${query}`, { token });
  expect(status).toBe(200);
  return body.items;
}

test("each filter, alone and with the others, gives what filtering the whole log gives", async () => {
  const all = await list("");
  const minute = (n: number) => new Date(Date.UTC(2020, 0, 1, 0, n)).toISOString();
  const filters: [string, (row: AuditRow) => boolean][] = [
    [`actorId=${stranger.id}`, (row) => row.actorId === stranger.id],
    ["action=test.one", (row) => row.action === "test.one"],
    ["resourceType=thing", (row) => row.resourceType === "thing"],
    [`resourceId=${owner.id}`, (row) => row.resourceId === owner.id],
    ["outcome=failure", (row) => row.outcome === "failure"],
    [`impersonatorId=${stranger.id}`, (row) => row.impersonatorId === stranger.id],
    [`sessionId=${owner.id}`, (row) => row.sessionId === owner.id],
    ["ip=203.0.113.7", (row) => row.ip === "203.0.113.7"],
    ["ip=2001:DB8:0::7", (row) => row.ip === "2001:db8::7"],
    ["requestId=request-2", (row) => row.requestId === "request-2"],
    [`from=${minute(2)}`, (row) => row.createdAt >= minute(2)],
    [`to=${minute(4)}`, (row) => row.createdAt < minute(4)],
    ["action=no.such", () => false],
  ];
  for (const [query, holds] of filters) {
    for (const [other, also] of filters) {
      const expected = all.filter((row) => holds(row) && also(row));
      if (query.split("=")[0] !== other.split("=")[0])
        expect(await list(`${query}&${other}`)).toEqual(expected);
      else if (query === other) expect(await list(query)).toEqual(expected);
    }
  }
  expect(await list("from=2020-01-01T02:02:00%2B02:00&to=2020-01-01T00:02:01Z")).toEqual(
    all.filter((row) => row.createdAt === minute(2)),
  );
});

test("an item tells the device, the address, the request and who impersonated", async () => {
  const [row] = await list("to=2020-01-01T00:01:00Z&ip=2001:db8::7");
  expect(row).toMatchObject({
    impersonatorId: null,
    ip: "2001:db8::7",
    device: "Firefox on Linux",
    requestId: "request-1",
  });
});

test("the pages hold every row once, the latest first, while others are written", async () => {
  const all = await list("");
  const walked: AuditRow[] = [];
  for (let cursor = ""; ; ) {
    const { body } = await app.call(`GET /v1/audit-logs?limit=3${cursor}`, {
      token: owner.accessToken,
    });
    walked.push(...body.items);
    if (body.nextCursor === null) break;
    cursor = `&cursor=${body.nextCursor}`;
    await createMember(app, owner);
  }
  expect(walked).toEqual(all);
  const keys = all.map((row) => row.createdAt + row.id);
  expect(keys).toEqual(keys.toSorted().reverse());
});

test("R60: another tenant's rows are never there, whatever is asked for", async () => {
  const queries = [
    "",
    `tenantId=${stranger.tenantId}`,
    `actorId=${stranger.id}`,
    `tenantId=${stranger.tenantId}&actorId=${stranger.id}`,
    "action=test.one",
  ];
  for (const query of queries) {
    const rows = await list(query);
    expect(rows.every((row) => row.tenantId === owner.tenantId)).toBe(true);
  }
  expect(await list(`tenantId=${stranger.tenantId}`)).toEqual([]);
});

test("a super admin reads every tenant's rows, the platform's own, and one tenant's when asked", async () => {
  const admin = await createSuperAdmin(app);
  const tenants = async (query: string) =>
    new Set((await list(query, admin.accessToken)).map((row) => row.tenantId));
  expect(await tenants("")).toEqual(new Set([owner.tenantId, stranger.tenantId, null]));
  expect(await tenants(`tenantId=${stranger.tenantId}`)).toEqual(new Set([stranger.tenantId]));
});
