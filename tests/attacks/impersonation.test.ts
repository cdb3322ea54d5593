/** What nobody does in somebody else's name: one list, by effect. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { IN_PERSON } from "../../src/roles/in-person.ts";
import { PERMISSIONS } from "../../src/roles/permissions.ts";
import { createKey, createService } from "../api-keys/keys.ts";
import { type Acting, actAs } from "../platform/impersonation.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let member: Account;
let acting: Acting;
beforeAll(async () => {
  owner = await registerOwner(app);
  member = await createMember(app, owner);
  acting = await actAs(app, await createSuperAdmin(app), owner);
});

const FORBIDDEN = [403, "impersonation_forbidden"];
const newcomer = () => ({ email: `${randomName()}@new.example` });

async function told(route: string, json?: unknown) {
  const { status, body } = await app.call(route, {
    token: acting.accessToken,
    headers: { "idempotency-key": randomName() },
    ...(json !== undefined && { json }),
  });
  return [status, body?.code];
}

test("R62: in the owner's name nobody sets a password, nor brings a hash of one", async () => {
  const passwordHash = await app.deps.passwords.hash(PASSWORD);
  const users = await app.deps.db.user.count();
  for (const secret of [{ passwordHash }, { password: PASSWORD }]) {
    expect(await told("POST /v1/users", { ...newcomer(), ...secret })).toEqual(FORBIDDEN);
    for (const atomic of [false, true]) {
      const { body } = await app.call("POST /v1/users/bulk", {
        token: acting.accessToken,
        json: { operation: "create", atomic, items: [{ ...newcomer(), ...secret }] },
      });
      expect(body.results[0].error.code).toBe("impersonation_forbidden");
    }
  }
  expect(await app.deps.db.user.count()).toBe(users);
  // Without a secret it is no more than what an administrator does all day.
  expect(await told("POST /v1/users", newcomer())).toEqual([201, undefined]);
});

test("R62: nor anything else of the list, whoever it is done to", async () => {
  const machine = await createService(app, owner);
  const key = await createKey(app, owner);
  const tries: [string, unknown?][] = [];
  for (const { id, email } of [owner, member])
    tries.push(
      [`PATCH /v1/users/${id}`, newcomer()],
      [`PATCH /v1/users/${id}`, { email }],
      [`PATCH /v1/users/${id}`, { status: "disabled" }],
      [`DELETE /v1/users/${id}`],
      [`POST /v1/users/${id}/erase`, { email }],
      [`POST /v1/users/${id}/reset-password`],
      [`DELETE /v1/users/${id}/factors`],
      [`DELETE /v1/users/${id}/sessions`],
      [`GET /v1/users/${id}/personal-data`],
    );
  tries.push(
    [`PATCH /v1/users/${owner.id.toUpperCase()}`, { status: "disabled" }],
    [`DELETE /v1/service-accounts/${machine.id}`],
    [`DELETE /v1/api-keys/${key.id}`],
    ["POST /v1/api-keys", { name: "x", scopes: ["user:read"], userId: machine.id }],
    ["GET /v1/users/export"],
    ["POST /v1/users/import"],
    ["GET /v1/audit-logs/export"],
    [`DELETE /v1/tenants/${owner.tenantId}`],
  );
  for (const [route, json] of tries)
    expect([route, ...(await told(route, json))]).toEqual([route, ...FORBIDDEN]);
  for (const operation of ["update", "delete"]) {
    const items = [owner, member].map(({ id }) => ({
      id,
      ...(operation === "update" && newcomer()),
    }));
    const { body } = await app.call("POST /v1/users/bulk", {
      token: acting.accessToken,
      json: { operation, items },
    });
    const codes = body.results.map(({ error }: { error: { code: string } }) => error.code);
    expect(codes).toEqual(Array(2).fill("impersonation_forbidden"));
  }
});

test("R62: the list is the one place: its permissions exist, and nothing else compares an impersonator", async () => {
  const permissions: readonly string[] = PERMISSIONS;
  const named = Object.keys(IN_PERSON).filter((effect) => effect.includes(":"));
  expect(named.filter((effect) => !permissions.includes(effect))).toEqual([]);
  const sources = [...new Bun.Glob("src/**/*.ts").scanSync()];
  const throwers = sources.filter((file) =>
    readFileSync(file, "utf8").includes('"impersonation_forbidden"'),
  );
  expect(throwers).toEqual(["src/roles/in-person.ts"]);
});
