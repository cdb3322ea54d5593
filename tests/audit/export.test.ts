/** Exporting the audit log: all of it, in either format, safe to open, on the record, a page in memory at a time. */
import { beforeAll, expect, test } from "bun:test";
import { EXPORT_COLUMNS } from "../../src/audit/export.ts";
import type { AuditRow } from "../../src/audit/list.ts";
import { newId } from "../../src/db/id.ts";
import { parseCsv, unguarded } from "../../src/http/csv.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";

const EVIL = [
  "=cmd|' /C calc'!A0",
  "+1",
  "-1+1",
  "@SUM(A1)",
  "\t=1",
  "Mozilla;=1+1",
  'a "quoted", cell',
  "first\r\nsecond,line",
  "plain",
];

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
beforeAll(async () => {
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  await app.deps.db.auditLog.createMany({
    data: Array.from({ length: 2500 }, (_, n) => ({
      id: newId(),
      tenantId: n % 5 ? owner.tenantId : stranger.tenantId,
      action: n % 2 ? "test.one" : "test.two",
      resourceType: "thing",
      details: { text: EVIL[n % EVIL.length] ?? "" },
      userAgent: EVIL[n % EVIL.length] ?? "",
      // Over the midnight between two months, two at every moment.
      createdAt: new Date(Date.UTC(2026, 10, 1) + (Math.floor(n / 2) - 600) * 60_000),
    })),
  });
});

async function exported(query: string, accept?: string, token = owner.accessToken) {
  const answer = await app.call(`GET /v1/audit-logs/export?${query}`, {
    token,
    ...(accept !== undefined && { headers: { accept } }),
  });
  expect(answer.status).toBe(200);
  return answer;
}

async function rows(query: string, token = owner.accessToken): Promise<AuditRow[]> {
  const { body } = await exported(query, "application/x-ndjson", token);
  return String(body)
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

async function listed(query: string): Promise<AuditRow[]> {
  const found: AuditRow[] = [];
  for (let cursor = ""; ; ) {
    const { body } = await app.call(`GET /v1/audit-logs?limit=100&${query}${cursor}`, {
      token: owner.accessToken,
    });
    found.push(...body.items);
    if (body.nextCursor === null) return found;
    cursor = `&cursor=${body.nextCursor}`;
  }
}

test("it gives what the list gives, under the same filters, across pages and the borders of months", async () => {
  for (const query of [
    "resourceType=thing",
    "action=test.one",
    "action=test.two&from=2026-10-31T23:50:00Z&to=2026-11-01T00:10:00Z",
    "action=none.such",
  ]) {
    const all = await listed(query);
    expect(await rows(query)).toEqual(all);
  }
  expect(await rows("resourceType=thing")).toHaveLength(2000);
  const border = await rows("from=2026-10-31T23:59:00Z&to=2026-11-01T00:01:00Z");
  expect(new Set(border.map(({ createdAt }) => createdAt.slice(0, 7)))).toEqual(
    new Set(["2026-10", "2026-11"]),
  );
});

test("as CSV it has a line of names and a line a row, and no cell that a spreadsheet runs", async () => {
  const { body, headers } = await exported("resourceType=thing", "text/csv");
  expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(headers.get("content-disposition")).toBe('attachment; filename="audit-log.csv"');
  const parsed = [];
  for await (const { cells } of parseCsv(
    (async function* () {
      yield String(body);
    })(),
  ))
    parsed.push(cells);
  const [names, ...cells] = parsed;
  expect(names).toEqual([...EXPORT_COLUMNS]);
  expect(cells).toHaveLength(2000);
  const all = await rows("resourceType=thing");
  const agent = EXPORT_COLUMNS.indexOf("userAgent");
  for (const [index, row] of cells.entries()) {
    expect(row.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
    expect(unguarded(row[agent] ?? "")).toBe(all[index]?.userAgent as string);
    expect(JSON.parse(row[EXPORT_COLUMNS.indexOf("details")] ?? "")).toEqual(all[index]?.details);
  }
});

test("the format is the Accept header's, JSON a line where it names none of ours", async () => {
  for (const [accept, type] of [
    [undefined, "application/x-ndjson"],
    ["*/*", "application/x-ndjson"],
    ["application/pdf", "application/x-ndjson"],
    ["text/csv;q=0.5, application/x-ndjson;q=0.9", "application/x-ndjson"],
    ["application/x-ndjson;q=0.1, text/csv", "text/csv"],
  ] as const) {
    const { headers } = await exported("action=none.such", accept);
    expect([accept, headers.get("content-type")]).toEqual([accept, `${type}; charset=utf-8`]);
  }
});

test("R63: that it was exported is in the log before anything left, with the filters, and in the log of whose it was", async () => {
  const before = await app.deps.db.auditLog.count();
  await exported("action=none.such&ip=203.0.113.7", "text/csv");
  const superAdmin = await createSuperAdmin(app);
  await exported(`tenantId=${owner.tenantId}&action=none.such`, undefined, superAdmin.accessToken);
  const found = await listed("action=audit_log.exported");
  expect(found.slice(0, 2)).toMatchObject([
    {
      actorId: superAdmin.id,
      tenantId: owner.tenantId,
      details: { format: "ndjson", filters: { action: "none.such", tenantId: owner.tenantId } },
    },
    {
      actorId: owner.id,
      resourceType: "audit_log",
      details: { format: "csv", filters: { action: "none.such", ip: "203.0.113.7" } },
    },
  ]);
  expect(await app.deps.db.auditLog.count()).toBeGreaterThan(before);
});

test("R60: nobody exports another tenant's rows, and nobody without the permission any", async () => {
  const own = await rows(`tenantId=${stranger.tenantId}`);
  expect(own).toEqual([]);
  const all = await rows("");
  expect(new Set(all.map(({ tenantId }) => tenantId))).toEqual(new Set([owner.tenantId]));
  const member = await createMember(app, owner);
  const refused = await app.call("GET /v1/audit-logs/export", { token: member.accessToken });
  expect(refused).toMatchObject({ status: 403, body: { code: "permission_denied" } });
});

test("pages are read as the client takes them, and none once it is gone", async () => {
  let reads = 0;
  const { findMany } = app.deps.db.auditLog;
  const { createApp } = await import("../../src/app.ts");
  const db = new Proxy(app.deps.db, {
    get(target, name) {
      if (name !== "auditLog") return Reflect.get(target, name);
      return {
        findMany: (args: Parameters<typeof findMany>[0]) => {
          reads += 1;
          return target.auditLog.findMany(args);
        },
      };
    },
  });
  const response = await createApp({ ...app.deps, db }, []).request("/v1/audit-logs/export", {
    headers: { authorization: `Bearer ${owner.accessToken}` },
  });
  const reader = response.body?.getReader();
  expect(reads).toBe(1);
  await reader?.read();
  await reader?.cancel();
  await Bun.sleep(20);
  expect(reads).toBeLessThanOrEqual(2);
});
