/** RFC 9562, section 4: an id in capitals is the same id. Answers have the one form that is stored. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let member: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  member = await createMember(app, owner);
});

test("what a path names in capitals is answered in lower case", async () => {
  const path = `/v1/users/${member.id.toUpperCase()}`;
  for (const route of [path, `${path}/profile`, `/v1/users/${encoded(member.id)}/profile`]) {
    const { status, body } = await app.as(owner, `GET ${route}`);
    expect([route, status, body.id ?? body.userId]).toEqual([route, 200, member.id]);
  }
  const changed = await app.as(owner, `PATCH ${path}/profile`, { language: "de" });
  expect(changed.body.userId).toBe(member.id);
});

test("so is what a body or a query names", async () => {
  const items = [{ id: member.id.toUpperCase(), firstName: "Ada" }];
  const bulk = await app.as(owner, "POST /v1/users/bulk", { operation: "update", items });
  expect(bulk.body.results).toEqual([{ index: 0, status: 200, id: member.id }]);
  const gone = [{ id: (await createMember(app, owner)).id.toUpperCase() }];
  const ended = await app.as(owner, "POST /v1/users/bulk", { operation: "delete", items: gone });
  expect(ended.body.results[0].id).toBe(gone[0]?.id.toLowerCase());
  const root = await createSuperAdmin(app);
  const tenantId = owner.tenantId.toUpperCase();
  const made = await app.as(root, "POST /v1/users", { email: "new@members.example", tenantId });
  expect(made.body.tenantId).toBe(owner.tenantId);
  for (const list of ["users", "invitations", "service-accounts", "roles", "audit-logs"]) {
    const { status } = await app.as(root, `GET /v1/${list}?tenantId=${tenantId}`);
    expect([list, status]).toEqual([list, 200]);
  }
});

test("whose own id it is does not depend on how it is written", async () => {
  const lower = await app.as(owner, `DELETE /v1/users/${owner.id}`);
  const upper = await app.as(owner, `DELETE /v1/users/${owner.id.toUpperCase()}`);
  expect([upper.status, upper.body.code]).toEqual([lower.status, lower.body.code]);
  expectProblem(await app.as(owner, "GET /v1/Users"), "not_found");
});

function encoded(id: string): string {
  return id.toUpperCase().replace(/[A-F]/, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}
