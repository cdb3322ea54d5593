/** Importing users: what is read, what is refused and where, and what is written. */
import { beforeAll, expect, test } from "bun:test";
import { userImportRoutes } from "../../src/users/import/routes.ts";
import { VECTORS } from "../crypto/imported-hashes.ts";
import { type Account, logIn, randomName, registerOwner, testApp } from "../support/app.ts";
import { type ImportBody, type ImportOptions, lines, NDJSON, sendImport } from "./imports.ts";
import { routesOf } from "./routes.ts";

const app = testApp();
let owner: Account & { tenantId: string };

beforeAll(async () => {
  owner = await registerOwner(app);
});

const send = (body: ImportBody, options?: ImportOptions) => sendImport(app, owner, body, options);

async function find(email: string) {
  const { body } = await app.call(`GET /v1/users?search=${email}`, { token: owner.accessToken });
  return body.items[0];
}

async function count(): Promise<number> {
  return app.deps.db.user.count({ where: { tenantId: owner.tenantId } });
}

test("the route is tested here", () => {
  expect(routesOf(userImportRoutes, "/v1/users")).toEqual(["POST /v1/users/import"]);
});

test("CSV: names, roles and hashes arrive, people log in with their password, and that addresses are proved is not believed", async () => {
  const [a, b] = [randomName(), randomName()];
  const csv = [
    "email,firstName,lastName,roles,passwordHash,emailVerified",
    `${a}@X.example,Zoë,"O'Neill, Jr.",admin; auditor,${VECTORS["bcrypt 2b"]},true`,
    `${b}@x.example,,,,,`,
    "",
  ].join("\r\n");
  const { status, body } = await send(`\ufeff${csv}`, { type: "text/csv; charset=utf-8" });
  expect([status, body]).toEqual([
    200,
    { dryRun: false, rows: 2, created: 2, failed: 0, unproved: 1, errors: [] },
  ]);
  expect(await find(`${a}@`)).toMatchObject({
    email: `${a}@x.example`,
    firstName: "Zoë",
    lastName: "O'Neill, Jr.",
    roles: ["admin", "auditor"],
    emailVerifiedAt: null,
  });
  expect(await find(`${b}@`)).toMatchObject({
    firstName: null,
    roles: ["member"],
    emailVerifiedAt: null,
  });
  await logIn(app, `${a}@x.example`);
  const { rows } = await app.deps.pool.query(
    "SELECT details FROM audit_log WHERE action = 'user.created' AND resource_id = $1",
    [(await find(`${a}@`)).id],
  );
  expect(rows).toEqual([
    {
      details: {
        imported: true,
        roles: expect.arrayContaining(["admin", "auditor"]),
        passwordImported: true,
      },
    },
  ]);
});

test("JSON a line: the same, with blank lines between", async () => {
  const a = randomName();
  const text = lines({ email: `${a}@x.example`, roles: ["auditor"], emailVerified: true }, "", "");
  expect((await send(text, { type: NDJSON })).body).toMatchObject({ rows: 1, created: 1 });
  expect(await find(`${a}@`)).toMatchObject({ roles: ["auditor"] });
});

test("what is wrong is told by line and field; what is right is written", async () => {
  const good = randomName();
  const before = await count();
  const { status, body } = await send(
    lines(
      { email: `${good}@x.example` },
      { email: "nobody" },
      { email: `${good}@X.EXAMPLE` },
      "{",
      { email: owner.email },
      { email: `${randomName()}@x.example`, roles: ["nobody"] },
      { email: `${randomName()}@x.example`, isSuperAdmin: true },
      { email: `${randomName()}@x.example`, passwordHash: "plain" },
      '{"email":"a@x.example","email":"b@x.example"}',
      '{"email":"a@x.example","firstName":"\\ud800"}',
      [],
      { email: `${good}@x.example`, firstName: "Ada" },
      { email: `${randomName()}@x.example`, roles: ["super_admin"] },
    ),
    { type: NDJSON },
  );
  expect([status, body.rows, body.created, body.failed]).toEqual([200, 13, 1, 12]);
  const where = body.errors.map(({ line, field }: { line: number; field: string }) => [
    line,
    field,
  ]);
  expect(where.sort(([a]: [number], [b]: [number]) => a - b)).toEqual([
    [2, "email"],
    [3, "email"],
    [4, ""],
    [5, "email"],
    [6, "roles"],
    [7, "isSuperAdmin"],
    [8, "passwordHash"],
    [9, ""],
    [10, ""],
    [11, ""],
    [12, "email"],
    [13, "roles"],
  ]);
  expect(await count()).toBe(before + 1);
});

test("R71: what breaks off is told where, and none of it is written: a part is not the whole", async () => {
  const [a, before] = [randomName(), await count()];
  const row = JSON.stringify({ email: `${a}@x.example` });
  const broken: [text: string, type: string, path: string][] = [
    [`email,firstName\n${a}@x.example,Ada\nx@x.example,A"da\ny@x.example,Y\n`, "text/csv", "3"],
    [`email\n${a}@x.example\n${"x".repeat(5000)}\ny@x.example\n`, "text/csv", "3"],
    [`email\n${a}@x.example\n${"x,".repeat(60)}\ny@x.example\n`, "text/csv", "3"],
    ["email,email\na@x.example,b", "text/csv", "1"],
    [`${row}\n${" ".repeat(300_000)}x\n`, NDJSON, "2"],
  ];
  for (const [text, type, path] of broken)
    for (const query of ["", "?dryRun=true", "?atomic=true"])
      expect(await send(text, { type, query })).toMatchObject({
        status: 422,
        body: { code: "nothing_written", errors: [{ path }] },
      });
  expect(await count()).toBe(before);
  for (const text of ["email,\nx@x.example,b", "email\n1,2\n"])
    expect((await send(text)).body).toMatchObject({ created: 0, failed: 1 });
  expect((await send("")).body).toMatchObject({ rows: 0, created: 0 });
});

test("a dry run finds the same faults and writes nothing, not even an audit row", async () => {
  const rows = lines({ email: `${randomName()}@x.example` }, { email: owner.email });
  const state = async () => [
    await count(),
    await app.deps.db.auditLog.count({ where: { tenantId: owner.tenantId } }),
  ];
  const before = await state();
  const dry = await send(rows, { type: NDJSON, query: "?dryRun=true" });
  expect(dry.body).toMatchObject({ dryRun: true, rows: 2, created: 1, failed: 1 });
  expect(await state()).toEqual(before);
  const real = await send(rows, { type: NDJSON });
  expect(real.body).toEqual({ ...dry.body, dryRun: false });
});

test("atomic: all rows or none, across batches", async () => {
  const many = Array.from({ length: 600 }, () => ({ email: `${randomName()}@x.example` }));
  const before = await count();
  const query = "?atomic=true";
  const failed = await send(lines(...many, { email: owner.email }), { type: NDJSON, query });
  expect(failed).toMatchObject({
    status: 422,
    body: { code: "nothing_written", errors: [{ path: "601.email" }] },
  });
  expect(await count()).toBe(before);
  expect((await send(lines(...many), { type: NDJSON, query })).body.created).toBe(600);
  expect(await count()).toBe(before + 600);
});

test("seats are counted, over the batches and in a dry run too", async () => {
  const small = await registerOwner(app);
  await app.deps.pool.query("UPDATE tenants SET seat_limit = 301 WHERE id = $1", [small.tenantId]);
  const many = Array.from({ length: 400 }, () => ({ email: `${randomName()}@x.example` }));
  for (const query of ["?dryRun=true", ""]) {
    const { body } = await send(lines(...many), { type: NDJSON, query, who: small });
    expect(body).toMatchObject({ created: 300, failed: 100 });
    expect(body.errors).toHaveLength(100);
  }
});

test("10,000 rows are the most; with one more none is written, however many of them are faulty", async () => {
  const encoder = new TextEncoder();
  const many = (count: number, faulty = 0) => {
    let sent = 0;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= count) return controller.close();
        const rows = Array.from({ length: Math.min(100, count - sent) }, () => ({
          email: `m${sent++}@${sent <= faulty ? "" : "many.example"}`,
        }));
        controller.enqueue(encoder.encode(`${lines(...rows)}\n`));
      },
    });
  };
  const before = await count();
  for (const query of ["", "?dryRun=true", "?atomic=true"]) {
    const tooMany = await send(many(10_520, 120), { type: NDJSON, query });
    expect([tooMany.status, tooMany.body.code]).toEqual([413, "body_too_large"]);
    expect(tooMany.body.detail).toContain("line 10001");
  }
  expect(await count()).toBe(before);
  const { status, body: report } = await send(many(10_000), { type: NDJSON });
  expect([status, report.rows, report.created, report.failed]).toEqual([200, 10_000, 10_000, 0]);
});

test("two imports of the same people at once make each of them once", async () => {
  const text = lines(...Array.from({ length: 300 }, (_, n) => ({ email: `twin${n}@x.example` })));
  const answers = await Promise.all([1, 2].map(() => send(text, { type: NDJSON })));
  const created = answers.map(({ body }) => body.created).reduce((sum, n) => sum + n);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(created).toBe(300);
});
