/** When an invitation is over: its link makes nobody, whatever its mail still says. */
import { beforeAll, describe, expect, test } from "bun:test";
import { cleanUp } from "../../src/clean-up.ts";
import { newId } from "../../src/db/id.ts";
import { tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "../users/routes.ts";
import { accept, type Invited, inspect, invite, invited, isVoid } from "./invitations.ts";

type Owner = Account & { tenantId: string };
type Case = { inviter?: string[]; roles?: string[]; end(given: Given): Promise<unknown> };
type Given = { owner: Owner; root: Account; inviter: Account; invitation: Invited };

const app = testApp();
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const ENDS: Record<string, Case> = {
  "it is revoked": {
    end: ({ owner, invitation }) => app.as(owner, `DELETE /v1/invitations/${invitation.id}`),
  },
  "it expires": {
    end: ({ invitation }) =>
      app.deps.pool.query(
        "UPDATE invitations SET created_at = now() - interval '8 days', expires_at = now() WHERE id = $1",
        [invitation.id],
      ),
  },
  "a newer one goes to the same address": {
    end: ({ owner, invitation }) => invite(app, owner, { email: invitation.email }),
  },
  "it is sent again": {
    end: ({ owner, invitation }) => app.as(owner, `POST /v1/invitations/${invitation.id}/resend`),
  },
  "the tenant is suspended, and stays so when the tenant is active again": {
    async end({ owner }) {
      await app.as(root, `POST /v1/tenants/${owner.tenantId}/suspend`);
      await app.as(root, `POST /v1/tenants/${owner.tenantId}/activate`);
    },
  },
  "the tenant is deleted": {
    end: ({ owner }) => app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`),
  },
  "the tenant is deleted and restored": {
    async end({ owner }) {
      await app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`);
      await app.as(root, `POST /v1/tenants/${owner.tenantId}/restore`);
    },
  },
  "whoever sent it is disabled": {
    end: ({ owner, inviter }) =>
      app.as(owner, `PATCH /v1/users/${inviter.id}`, { status: "disabled" }),
  },
  "whoever sent it is deleted": {
    end: ({ owner, inviter }) => app.as(owner, `DELETE /v1/users/${inviter.id}`),
  },
  "whoever sent it may no longer invite": {
    end: ({ owner, inviter }) =>
      app.as(owner, `PATCH /v1/users/${inviter.id}`, { roles: ["member"] }),
  },
  "whoever sent it may no longer give its roles": {
    roles: ["admin"],
    end: ({ owner, inviter }) =>
      app.as(owner, `PATCH /v1/users/${inviter.id}`, { roles: ["inviter"] }),
  },
  "its role may do more by now than whoever sent it": {
    roles: ["clerk"],
    async end({ owner }) {
      const { tenantId } = owner;
      const role = await app.deps.db.role.findFirstOrThrow({ where: { tenantId, name: "clerk" } });
      const permissionKey = "tenant:delete";
      await app.deps.db.rolePermission.create({
        data: { roleId: role.id, permissionKey, tenantId },
      });
    },
  },
  "none of its roles is left": {
    roles: ["clerk"],
    end: ({ owner }) =>
      app.deps.db.role.deleteMany({ where: { tenantId: owner.tenantId, name: "clerk" } }),
  },
};

/** A tenant with two roles of its own, an admin who invites, and the invitation. */
async function given(roles: string[] = ["member"]): Promise<Given> {
  const owner = await registerOwner(app);
  const { tenantId } = owner;
  const own = {
    inviter: ["invitation:create", "role:assign", "tenant:read"],
    clerk: ["user:read"],
  };
  for (const [name, keys] of Object.entries(own))
    await app.deps.db.role.create({
      data: {
        ...{ id: newId(), tenantId, name },
        permissions: { create: keys.map((permissionKey) => ({ permissionKey, tenantId })) },
      },
    });
  const inviter = await createMember(app, owner, ["admin"]);
  return { owner, root, inviter, invitation: await invited(app, inviter, { roles }) };
}

describe("R64: the link is void once", () => {
  for (const [when, { roles, end }] of Object.entries(ENDS)) {
    test(when, async () => {
      const world = await given(roles);
      expect((await inspect(app, world.invitation.token)).status).toBe(200);
      await end(world);
      // A look at it may still work where only the acceptance finds the reason.
      const answer = await accept(app, world.invitation.token);
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_one_time_token" } });
      expect(await isVoid(app, world.invitation)).toBe(true);
    });
  }
});

test("an invitation that its sender may not give any more is revoked and on the record", async () => {
  const { owner, inviter, invitation } = await given();
  await app.as(owner, `PATCH /v1/users/${inviter.id}`, { status: "disabled" });
  await accept(app, invitation.token);
  const read = await app.as(owner, `GET /v1/invitations/${invitation.id}`);
  expect(read.body.status).toBe("revoked");
  // Right again is not valid again.
  await app.as(owner, `PATCH /v1/users/${inviter.id}`, { status: "active" });
  expect((await accept(app, invitation.token)).status).toBe(400);
  const rows = await app.deps.db.auditLog.findMany({
    where: { action: "invitation.accepted", resourceId: invitation.id },
  });
  expect(rows).toMatchObject([{ outcome: "failure", details: { reason: "inviter_may_not" } }]);
});

test("a role that was deleted is left out; the others are given", async () => {
  const { owner, invitation } = await given(["clerk", "member"]);
  await app.deps.db.role.deleteMany({ where: { tenantId: owner.tenantId, name: "clerk" } });
  expect((await accept(app, invitation.token)).body.user.roles).toEqual(["member"]);
});

test("R62: nobody invites into more than they may, nor sends again what they could not give", async () => {
  const { owner, invitation } = await given(["admin"]);
  const inviter = await createMemberWith(app, owner, [
    ...(["invitation:create", "role:assign", "user:read", "tenant:read"] as const),
  ]);
  expect((await invite(app, inviter, { roles: ["admin"] })).status).toBe(403);
  expect((await invite(app, inviter, { roles: ["owner"] })).status).toBe(403);
  expect((await invite(app, inviter, { roles: ["member"] })).status).toBe(201);
  const resend = `POST /v1/invitations/${invitation.id}/resend`;
  expect((await app.as(inviter, resend)).status).toBe(403);
  // The right to invite alone is for the default role.
  const plain = await createMemberWith(app, owner, [
    "invitation:create",
    "user:read",
    "tenant:read",
  ]);
  expect((await invite(app, plain, { roles: ["member"] })).status).toBe(403);
  const byDefault = await invited(app, plain);
  expect((await accept(app, byDefault.token)).body.user.roles).toEqual(["member"]);
  expect((await accept(app, invitation.token)).body.user.roles).toEqual(["admin"]);
});

test("sent again it is the word of whoever sends it, with a new link and seven days", async () => {
  const { owner, inviter, invitation } = await given(["clerk"]);
  await app.as(owner, `PATCH /v1/users/${inviter.id}`, { status: "disabled" });
  await ENDS["it expires"]?.end({ owner, root, inviter, invitation });
  const resent = await app.as(owner, `POST /v1/invitations/${invitation.id}/resend`);
  expect(resent.body).toMatchObject({ id: invitation.id, status: "pending", invitedBy: owner.id });
  const token = tokenIn(await app.lastMailTo(invitation.email));
  expect(token).not.toBe(invitation.token);
  expect((await accept(app, token)).body.user.roles).toEqual(["clerk"]);
  const over = await app.as(owner, `POST /v1/invitations/${invitation.id}/resend`);
  expect(over).toMatchObject({ status: 404, body: { code: "not_found" } });
  expect((await app.as(owner, `DELETE /v1/invitations/${invitation.id}`)).status).toBe(404);
});

test("R64: of many invitations of one address at once one is left, and one seat taken", async () => {
  const owner = await registerOwner(app);
  const email = "ada@races.example";
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => invite(app, owner, { email })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
  const { tenantId } = owner;
  const where = { tenantId, email, acceptedAt: null, revokedAt: null };
  expect(await app.deps.db.invitation.count({ where })).toBe(1);
  const mails = (await app.mail()).filter(({ to }) => to === email).map(tokenIn);
  const works = await Promise.all(mails.map((token) => inspect(app, token)));
  expect(works.filter(({ status }) => status === 200)).toHaveLength(1);
});

test("R64: an acceptance and a revocation at once leave either a user or nothing", async () => {
  for (let n = 0; n < 5; n++) {
    const { owner, invitation } = await given();
    const [accepted, revoked] = await Promise.all([
      accept(app, invitation.token),
      app.as(owner, `DELETE /v1/invitations/${invitation.id}`),
    ]);
    expect([201, 400]).toContain(accepted.status);
    expect(revoked.status).toBe(accepted.status === 201 ? 404 : 204);
    const made = await app.deps.db.user.count({ where: { email: invitation.email } });
    expect(made).toBe(accepted.status === 201 ? 1 : 0);
  }
});

test("a mailbox is not flooded: five invitations of a tenant an hour", async () => {
  const limited = await createTestApp({ RATE_LIMITS: "database" });
  try {
    const [one, two] = [await registerOwner(limited), await registerOwner(limited)];
    const email = "ada@flooded.example";
    const first = await invite(limited, one, { email });
    const again = { token: one.accessToken };
    for (let n = 0; n < 4; n++)
      await limited.call(`POST /v1/invitations/${first.body.id}/resend`, again);
    const sixth = await invite(limited, one, { email: email.toUpperCase() });
    expect(sixth).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect((await invite(limited, two, { email })).status).toBe(201);
    expect((await logIn(limited, one.email)).id).toBe(one.id);
  } finally {
    await limited.close();
  }
});

test("ninety days after it expired the clean-up deletes it", async () => {
  const owner = await registerOwner(app);
  const age = (id: string, days: number) =>
    app.deps.pool.query(
      `UPDATE invitations SET created_at = now() - interval '1 year', expires_at = now() - make_interval(days => $2)
       WHERE id = $1`,
      [id, days],
    );
  const [old, young] = [(await invite(app, owner)).body.id, (await invite(app, owner)).body.id];
  await age(old, 91);
  await age(young, 89);
  await cleanUp(app.deps);
  const { body } = await app.as(owner, "GET /v1/invitations");
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([young]);
});
