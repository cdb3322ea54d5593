/** A page of many rows takes as many statements as a page of one: nothing is looked up row by row. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";

const app = testApp();
let owner: Account;
let root: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
  for (const role of ["admin", "member", "auditor"]) {
    await createMember(app, owner, [role, "member"]);
    await registerOwner(app);
    await app.call("POST /v1/roles", {
      token: owner.accessToken,
      json: { name: `own_${role}`, permissions: ["user:read"] },
    });
  }
});

/** Prisma's, and those by hand. */
const OF_LISTS = /"public"\.|\) AS page\b/;

async function costOf(path: string, { accessToken }: Account) {
  let rows = 0;
  const sent = await statementsOf(async () => {
    const { status, body } = await app.call(`GET ${path}`, { token: accessToken });
    expect([path, status]).toEqual([path, 200]);
    rows = body.items.length;
  });
  // The list's own: not what the listener and the scheduled work send meanwhile.
  return { rows, statements: sent.filter(({ text }) => OF_LISTS.test(text)).length };
}

test.each(["users", "roles", "audit-logs", "tenants"])("GET /v1/%s", async (list) => {
  const who = list === "tenants" ? root : owner;
  // Once before: what is remembered between requests is looked up by the first.
  await costOf(`/v1/${list}?limit=1`, who);
  const one = await costOf(`/v1/${list}?limit=1`, who);
  const many = await costOf(`/v1/${list}?limit=100`, who);
  expect(one.rows).toBe(1);
  expect(many.rows).toBeGreaterThan(3);
  expect(one.statements).toBeGreaterThan(0);
  expect(many.statements).toBe(one.statements);
});
