/** Exporting users: every one of them, once, in the form that was asked for, and no faster than it is read. */
import { beforeAll, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { newId } from "../../src/db/id.ts";
import { parseCsv } from "../../src/http/csv.ts";
import { userExportRoutes } from "../../src/users/export/routes.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { insertPeople } from "./people.ts";
import { createMemberWith, type RouteCase, routesOf, testRoutes, type World } from "./routes.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
let world: World;
beforeAll(async () => {
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  world = {
    app,
    caller: await createMemberWith(app, owner),
    powerless: await createMember(app, owner, []),
    own: async () => newId(),
    foreign: async () => newId(),
  };
});

const CASES: RouteCase[] = [
  {
    route: "GET /v1/users/export",
    permission: "user:export",
    success: 200,
    invalid: ["?tenantId=x", "?limit=1", "?unknown=1"],
  },
];

test("the route is tested here", () => {
  expect(routesOf(userExportRoutes, "/v1/users")).toEqual(CASES.map(({ route }) => route));
});

testRoutes(CASES, () => world);

function get(accept: string | null, who: Account = owner, query = "") {
  const headers: Record<string, string> = accept === null ? {} : { accept };
  return app.call(`GET /v1/users/export${query}`, { token: who.accessToken, headers });
}

/** The answer's objects, whichever of the two forms it has. */
async function read(text: string): Promise<Record<string, unknown>[]> {
  if (text.startsWith("{"))
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  const rows: string[][] = [];
  for await (const { cells } of parseCsv(
    (async function* () {
      yield text;
    })(),
  ))
    rows.push(cells);
  const [names = [], ...rest] = rows;
  return rest.map((cells) => Object.fromEntries(names.map((name, at) => [name, cells[at]])));
}

async function exports(tenantId: string | null) {
  const rows = await app.deps.db.auditLog.findMany({
    where: { action: "user.exported", tenantId },
    orderBy: { id: "asc" },
  });
  return rows.map(({ details, actorId }) => ({ ...(details as object), actorId }));
}

async function fill({ tenantId }: { tenantId: string }, count: number, lastName = "Byron") {
  await insertPeople(
    app,
    Array.from({ length: count }, (_, n) => ({
      id: newId(),
      tenantId,
      email: `n${n}@${newId()}.example`,
      lastName,
      // Many of one moment: the pages must not lose or repeat any of these.
      createdAt: new Date(2020, 0, 1 + (n % 3)),
    })),
  );
}

test("R65: all users of the tenant, as CSV and as JSON a line, each once, with an audit row", async () => {
  const tenant = await registerOwner(app);
  await fill(tenant, 1234);
  const deleted = await createMember(app, tenant);
  await app.call(`DELETE /v1/users/${deleted.id}`, { token: tenant.accessToken });
  await app.call("POST /v1/service-accounts", { token: tenant.accessToken, json: { name: "Bot" } });
  for (const type of ["text/csv", "application/x-ndjson"]) {
    const answer = await get(type, tenant);
    expect(answer.headers.get("content-type")).toBe(`${type}; charset=utf-8`);
    expect(answer.headers.get("vary")).toContain("Accept");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const users = await read(answer.body);
    expect(users).toHaveLength(1235);
    expect(new Set(users.map(({ id }) => id)).size).toBe(1235);
    expect(new Set(users.map(({ tenantId }) => tenantId))).toEqual(new Set([tenant.tenantId]));
  }
  expect(await exports(tenant.tenantId)).toEqual(
    [1, 2].map(() => ({ count: 1235, complete: true, actorId: tenant.id })),
  );
});

test("the form follows Accept, and is CSV where that says nothing", async () => {
  for (const [accept, type] of [
    [null, "text/csv"],
    ["*/*", "text/csv"],
    ["application/x-ndjson, text/csv;q=0.5", "application/x-ndjson"],
    ["text/csv;q=0.2, application/x-ndjson;q=0.1", "text/csv"],
  ] as const) {
    const { headers } = await get(accept);
    expect(headers.get("content-type")).toStartWith(type);
    expect(headers.get("content-disposition")).toStartWith("attachment");
  }
});

test("CWE-1236: what a spreadsheet would take for a formula is text", async () => {
  const tenant = await registerOwner(app);
  for (const lastName of ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", '="a",1'])
    await fill(tenant, 1, lastName);
  const users = await read((await get("text/csv", tenant)).body);
  const names = users.map(({ lastName }) => lastName).filter((name) => name !== "");
  expect(names.sort()).toEqual(["'=HYPERLINK(1)", '\'="a",1', "'+1", "'-1", "'@SUM(A1)"].sort());
});

test("CWE-1236: no reader finds a formula, at whichever separator it cuts", async () => {
  const tenant = await registerOwner(app);
  for (const lastName of ["x;=1+1", "x,=1+1", "＝1+1", "x;＠SUM(A1)", 'x;"=1', "'=1"])
    await fill(tenant, 1, lastName);
  const text = (await get("text/csv", tenant)).body;
  for (const part of text.split(/[,;\t\r\n]/))
    expect(part.replace(/^[\s"]+/, "")).not.toMatch(/^[=+\-@＝＋－＠]/);
});

test("CSV begins with a mark of byte order, unless it is asked to be left out; JSON lines never do", async () => {
  const begin = async (accept: string, query: string) => {
    const headers = { accept, authorization: `Bearer ${owner.accessToken}` };
    const url = `/v1/users/export${query}`;
    const answer = await createApp(app.deps, []).request(url, { headers });
    return Buffer.from(await answer.arrayBuffer())
      .toString("latin1")
      .slice(0, 3);
  };
  for (const query of ["", "?bom=true", "?bom=1"])
    expect(await begin("text/csv", query)).toBe("\xef\xbb\xbf");
  for (const query of ["?bom=false", "?bom=0"]) expect(await begin("text/csv", query)).toBe("id,");
  expect(await begin("application/x-ndjson", "?bom=true")).toBe('{"i');
  expect((await get("text/csv", owner, "?bom=maybe")).status).toBe(422);
});

test("R60: only the caller's tenant, whatever is asked for; a super admin gets all, or the one that is named", async () => {
  const foreign = await read(
    (await get("application/x-ndjson", owner, `?tenantId=${stranger.tenantId}`)).body || "",
  );
  expect(foreign).toEqual([]);
  const root = await createSuperAdmin(app);
  const tenants = async (query: string) => {
    const users = await read((await get("application/x-ndjson", root, query)).body);
    return new Set(users.map(({ tenantId }) => tenantId));
  };
  const all = await tenants("");
  for (const tenantId of [owner.tenantId, stranger.tenantId, null])
    expect(all.has(tenantId)).toBe(true);
  expect(await tenants(`?tenantId=${stranger.tenantId}`)).toEqual(new Set([stranger.tenantId]));
  expect(await exports(stranger.tenantId)).toHaveLength(1);
});

test("nothing is read before it is asked for, and nothing any more once the reader has gone", async () => {
  const tenant = await registerOwner(app);
  await fill(tenant, 3000);
  const server = Bun.serve({ port: 0, fetch: createApp(app.deps, []).fetch });
  const headers = { authorization: `Bearer ${tenant.accessToken}` };
  const response = await fetch(new URL("/v1/users/export", server.url), { headers });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const deadline = Date.now() + 30_000;
  while ((await exports(tenant.tenantId)).length === 0 && Date.now() < deadline)
    await Bun.sleep(20);
  await server.stop(true);
  const [row] = await exports(tenant.tenantId);
  expect(row).toMatchObject({ actorId: tenant.id });

  const raw = await createApp(app.deps, []).request("/v1/users/export", { headers });
  const pages = raw.body?.getReader();
  const sizes: number[] = [];
  let rows = 0;
  while (rows < 600) {
    const piece = Buffer.from((await pages?.read())?.value ?? []);
    sizes.push(piece.byteLength);
    rows += piece.toString().split("\n").length - 1;
  }
  await pages?.cancel();
  // The header line, and of two pages of five hundred so much as was read.
  expect(sizes[0]).toBeLessThan(300);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
  expect((await exports(tenant.tenantId)).at(-1)).toMatchObject({ count: 1000, complete: false });
});
