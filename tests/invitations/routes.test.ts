import { beforeAll, expect, test } from "bun:test";
import { invitationRoutes } from "../../src/invitations/routes.ts";
import {
  createMember,
  createSuperAdmin,
  randomName,
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
import { invite, invited } from "./invitations.ts";

const EMAILS = ["", "a", "a@b", "a b@c.example", "a@x.invalid", 1, null];
const CASES: RouteCase[] = [
  {
    route: "GET /v1/invitations",
    permission: "invitation:read",
    success: 200,
    invalid: ["limit=0", "limit=101", "cursor=x", "status=open", "page=1", "tenantId=1"].map(
      (query) => `?${query}`,
    ),
  },
  {
    route: "POST /v1/invitations",
    permission: "invitation:create",
    success: 201,
    get json() {
      return { email: `${randomName()}@a.example`, roles: ["member"], expiresInDays: 30 };
    },
    invalid: [
      ...[{}, [], null],
      ...EMAILS.map((email) => ({ email })),
      ...[[], "member", ["super_admin"], ["nobody"], Array(21).fill("member"), [1], null].map(
        (roles) => ({ email: "ada@a.example", roles }),
      ),
      ...[0, 31, 1.5, "7", null].map((expiresInDays) => ({
        email: "ada@a.example",
        expiresInDays,
      })),
      ...["id", "tokenHash", "invitedBy", "acceptedAt", "link"].map((field) => ({
        email: "ada@a.example",
        [field]: "x",
      })),
    ],
  },
  { route: "GET /v1/invitations/:id", permission: "invitation:read", success: 200 },
  { route: "DELETE /v1/invitations/:id", permission: "invitation:delete", success: 204 },
  { route: "POST /v1/invitations/:id/resend", permission: "invitation:create", success: 200 },
];
/** Accepting needs no permission: accept.test.ts and join.test.ts. */
const OTHERS = ["inspect", "accept", "join"].map((path) => `POST /v1/invitations/${path}`);

const app = testApp();
let world: World;
beforeAll(async () => {
  const owner = await registerOwner(app);
  const stranger = await registerOwner(app);
  world = {
    app,
    caller: await createMemberWith(app, owner),
    powerless: await createMember(app, owner, []),
    own: async () => (await invite(app, owner)).body.id,
    foreign: async () => (await invite(app, stranger)).body.id,
  };
});

test("every route of the invitations is tested here or named", () => {
  const tested = [...CASES.map(({ route }) => route), ...OTHERS];
  expect(routesOf(invitationRoutes, "/v1/invitations")).toEqual(tested.sort());
});

testRoutes(CASES, () => world);

test("what accepts is 422 for what is no request, and joining is 401 and 403 without a person", async () => {
  for (const route of OTHERS) {
    const token = world.caller.accessToken;
    for (const json of [{}, [], null, { token: "" }, { token: 1 }, { token: "x", tenantId: "x" }])
      expect([route, json, (await app.call(route, { token, json })).status]).toEqual([
        ...[route, json, 422],
      ]);
  }
  const join = (token?: string) =>
    app.call("POST /v1/invitations/join", { json: { token: "x" }, ...(token && { token }) });
  expect((await join()).status).toBe(401);
  const made = await app.call("POST /v1/api-keys", {
    token: world.caller.accessToken,
    json: { name: "Test", scopes: ["user:read"] },
  });
  expect((await join(made.body.key)).body.code).toBe("session_required");
});

test("201 says where the invitation is; no answer and no list holds the link", async () => {
  const owner = await registerOwner(app);
  const email = "Ada.Lovelace@Invited.example";
  const made = await invite(app, owner, { email, expiresInDays: 3 });
  const { id, createdAt, expiresAt } = made.body;
  expect(made.headers.get("location")).toBe(`/v1/invitations/${id}`);
  expect(made.body).toEqual({
    ...{ id, tenantId: owner.tenantId, email: email.toLowerCase(), roles: ["member"] },
    ...{ status: "pending", invitedBy: owner.id, expiresAt, createdAt },
    ...{ acceptedAt: null, acceptedBy: null },
  });
  const days = (new Date(expiresAt).getTime() - new Date(createdAt).getTime()) / 86_400_000;
  expect(Math.round(days * 100) / 100).toBe(3);
  const got = await app.call(`GET /v1/invitations/${id}`, { token: owner.accessToken });
  expect(got.body).toEqual(made.body);
});

test("the list: newest first, by status, complete through its cursors", async () => {
  const owner = await registerOwner(app);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift((await invite(app, owner)).body.id);
  const list = async (query: string, who = owner) =>
    (await app.call(`GET /v1/invitations?${query}`, { token: who.accessToken })).body;
  const found = async (query: string) =>
    (await list(query)).items.map((item: { id: string }) => item.id);
  const [first, second, third = ""] = ids;
  await app.call(`DELETE /v1/invitations/${first}`, { token: owner.accessToken });
  await app.deps.pool.query(
    "UPDATE invitations SET expires_at = created_at + interval '1 ms' WHERE id = $1",
    [second],
  );
  const { token, email } = await invited(app, owner);
  await app.call("POST /v1/invitations/accept", {
    json: { token, password: "a long pass phrase" },
  });
  expect(await found("status=revoked")).toEqual([first]);
  expect(await found("status=expired")).toEqual([second]);
  expect(await found("status=pending")).toEqual(ids.slice(2));
  expect((await list("status=accepted")).items).toMatchObject([{ email, status: "accepted" }]);

  const page = await list("limit=2&status=pending");
  expect(page.items).toHaveLength(2);
  expect(await found(`limit=2&status=pending&cursor=${page.nextCursor}`)).toEqual([ids[4]]);
  const stranger = await registerOwner(app);
  expect((await list("", stranger)).items).toEqual([]);
  expect((await list(`tenantId=${owner.tenantId}`, stranger)).items).toEqual([]);
  const root = { ...stranger, ...(await createSuperAdmin(app)), tenantId: "" };
  expect((await list(`tenantId=${owner.tenantId}&limit=100`, root)).items).toHaveLength(6);
  const named = await invite(app, root, { tenantId: owner.tenantId, roles: ["owner"] });
  expect(named).toMatchObject({ status: 201, body: { tenantId: owner.tenantId } });
  expect((await invite(app, root)).body.errors[0].path).toBe("tenantId");
  expect((await invite(app, stranger, { tenantId: owner.tenantId })).status).toBe(403);
  expect(third).not.toBe("");
});
