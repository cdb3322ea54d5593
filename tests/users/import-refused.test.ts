/** Who may import, what is no import, and how often one is done. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { type ImportBody, type ImportOptions, lines, NDJSON, sendImport } from "./imports.ts";
import { createMemberWith } from "./routes.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
beforeAll(async () => {
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
});

const send = (body: ImportBody, options?: ImportOptions) => sendImport(app, owner, body, options);

describe("R55: the key", () => {
  test("is required", async () => {
    const answer = await send("email\n", { key: null });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_idempotency_key" } });
  });

  test("brings the report again, and 422 for another body or another query", async () => {
    const [key, text] = [randomName(), `email\n${randomName()}@x.example\n`];
    const first = await send(text, { key });
    expect((await send(text, { key })).body).toEqual(first.body);
    const reused = { status: 422, body: { code: "idempotency_key_reused" } };
    expect(await send(`${text}x@x.example\n`, { key })).toMatchObject(reused);
    expect(await send(text, { key, query: "?dryRun=true" })).toMatchObject(reused);
  });

  test("is free again after a body of which the reading stopped early: nothing of it was written", async () => {
    const [key, text] = [randomName(), `email\na"b\n${"x@x.example\n".repeat(20_000)}`];
    for (let n = 0; n < 2; n += 1)
      expect((await send(text, { key })).body.code).toBe("nothing_written");
    const mended = `email\n${randomName()}@x.example\n`;
    expect((await send(mended, { key })).body.created).toBe(1);
    expect((await send(text, { key })).body.code).toBe("idempotency_key_reused");
  });
});

describe("who may not", () => {
  test("R52: 401 without a token; 403 without user:import, before the body is read", async () => {
    const none = await app.call("POST /v1/users/import", { body: "email\n" });
    expect(none.status).toBe(401);
    const powerless = await createMember(app, owner);
    const answer = await send("email\n", { who: powerless });
    expect(answer).toMatchObject({ status: 403, body: { code: "permission_denied" } });
  });

  test("roles need role:assign, row by row, and nobody gives what they do not hold", async () => {
    const importer = await createMemberWith(app, owner, [
      "user:import",
      "tenant:read",
      "user:read",
    ]);
    const row = (roles?: string[]) => ({ email: `${randomName()}@x.example`, roles });
    const { body } = await send(lines(row(), row(["member"])), { type: NDJSON, who: importer });
    expect(body).toMatchObject({ created: 1, errors: [{ line: 2, field: "roles" }] });
    const admin = await createMember(app, owner, ["admin"]);
    const up = await send(lines(row(["owner"])), { type: NDJSON, who: admin });
    expect(up.body).toMatchObject({ created: 0, errors: [{ line: 1, field: "roles" }] });
  });

  test("R60: another tenant is 403 to name, but for a platform account", async () => {
    const query = `?tenantId=${stranger.tenantId}`;
    const text = `email\n${randomName()}@x.example\n`;
    expect((await send(text, { query })).status).toBe(403);
    const root = await createSuperAdmin(app);
    expect((await send(text, { query, who: root })).body.created).toBe(1);
    const nowhere = `?tenantId=${crypto.randomUUID()}`;
    expect((await send(text, { query: nowhere, who: root })).status).toBe(404);
  });
});

test("another type is 415, what is no UTF-8 400, too much 413, an unknown parameter 422", async () => {
  for (const type of ["application/json", "text/csv; charset=latin1", "text/plain", ""])
    expect((await send("email\n", { type })).status).toBe(415);
  expect((await send(new Uint8Array([0x65, 0xff, 0x0a]))).body.code).toBe("malformed_body");
  const limit = app.deps.config.bodyLimitBytes * 32;
  expect((await send("\n".repeat(limit + 1))).body.code).toBe("body_too_large");
  const headers = { "idempotency-key": randomName(), "content-type": "text/csv" };
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1_000_000).fill(10)),
  });
  const token = owner.accessToken;
  const answer = await app.call("POST /v1/users/import", { token, headers, body: endless });
  expect([answer.status, answer.body.code]).toEqual([413, "body_too_large"]);
  expect((await send("email\n", { query: "?dryrun=true" })).status).toBe(422);
});

test("over the network: a body that comes slowly is read as it comes, and known again", async () => {
  const server = Bun.serve({ port: 0, fetch: createApp(app.deps, []).fetch });
  const encoder = new TextEncoder();
  const names = Array.from({ length: 5 }, () => randomName());
  const rows = ["email\n", ...names.map((name) => `${name}@x.example\n`)];
  const headers = {
    authorization: `Bearer ${owner.accessToken}`,
    "content-type": "text/csv",
    "idempotency-key": randomName(),
  };
  const upload = async () => {
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await Bun.sleep(20);
        const row = rows[next++];
        if (row === undefined) controller.close();
        else controller.enqueue(encoder.encode(row));
      },
    });
    const url = new URL("/v1/users/import", server.url);
    return fetch(url, { method: "POST", headers, body });
  };
  const first = await upload();
  expect(first.status).toBe(200);
  const report = await first.json();
  expect(report).toMatchObject({ rows: 5, created: 5 });
  expect(await (await upload()).json()).toEqual(report);
  await server.stop(true);
});
