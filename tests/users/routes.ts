/** What every route must answer, whatever it does: the same four questions asked of each of a list. */
import { expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { PERMISSIONS, type PermissionKey } from "../../src/roles/permissions.ts";
import { type Account, createMember, randomName, type TestApp } from "../support/app.ts";

export type RouteCase = {
  /** `:id` stands for the id of `World.own` or `World.foreign`, and so does a second parameter: they answer `id/second`. */
  route: string;
  permission: PermissionKey;
  success: number;
  json?: unknown;
  /** Platform accounts alone succeed, whatever permissions a tenant's own account holds. */
  platform?: boolean;
  /** Bodies, or query strings with their question mark, that are not valid. */
  invalid?: unknown[];
};

export type World = {
  app: TestApp;
  /** Somebody of a tenant who holds every permission there is. */
  caller: Account;
  /** A super admin, for routes of platform accounts. */
  platform?: Account;
  /** Somebody of the same tenant who holds none. */
  powerless: Account;
  /** An id that `caller` reaches with this route: a new one each time, for routes that use it up. */
  own(route: string): Promise<string>;
  /** The same in another tenant. */
  foreign(route: string): Promise<string>;
};

export function testRoutes(cases: RouteCase[], world: () => World): void {
  for (const { route, permission, success, json, platform = false, invalid = [] } of cases) {
    const callerOf = ({ caller, platform: root }: World) => (platform && root ? root : caller);
    const at = (ids: string, query = "") => {
      const [id = "", second = newId()] = ids.split("/");
      return `${route.replace(":id", id).replace(/:\w+/, second)}${query}`;
    };
    const body = json === undefined ? {} : { json };

    test(`R52: ${route} is 401 with a challenge without a token, and with a wrong one`, async () => {
      const { app } = world();
      const none = await app.call(at(newId()), body);
      expect(none).toMatchObject({ status: 401, body: { code: "not_authenticated" } });
      expect(none.headers.get("www-authenticate")).toBe('Bearer realm="tenantry"');
      const wrong = await app.call(at(newId()), { token: "a.b.c", ...body });
      expect(wrong).toMatchObject({ status: 401, body: { code: "invalid_token" } });
      expect(wrong.headers.get("www-authenticate")).toContain('error="invalid_token"');
    });

    test(`${route} is 403 without ${permission}, before anything is read`, async () => {
      const { app, powerless, own } = world();
      for (const id of [await own(route), newId(), "x"]) {
        const answer = await app.call(at(id), { token: powerless.accessToken, body: "{" });
        expect(answer).toMatchObject({ status: 403, body: { code: "permission_denied" } });
        expect(answer.body.detail).toContain(permission);
      }
    });

    if (route.includes(":id")) {
      test(`R59: ${route} answers another tenant's id as an absent and a malformed one`, async () => {
        const { app, caller, ...ids } = world();
        const foreign = await ids.foreign(route);
        const ask = (id: string) => app.call(at(id), { token: caller.accessToken, ...body });
        const answers = await Promise.all([foreign, newId(), "x", `${foreign}0`, "%00"].map(ask));
        const [first] = answers;
        expect(first).toMatchObject({ status: 404, body: { code: "not_found" } });
        for (const answer of answers) {
          expect(answer.status).toBe(404);
          expect({ ...answer.body, instance: "" }).toEqual({ ...first?.body, instance: "" });
        }
      });
    }

    if (invalid.length > 0) {
      test(`${route} is 422 and names the field for each of ${invalid.length} invalid inputs`, async () => {
        const { app, own } = world();
        const caller = callerOf(world());
        const id = await own(route);
        for (const input of invalid) {
          const answer = await (typeof input === "string" && input.startsWith("?")
            ? app.call(at(id, input), { token: caller.accessToken })
            : app.call(at(id), { token: caller.accessToken, json: input }));
          const said = `${JSON.stringify(input).slice(0, 200)} → ${answer.status} ${answer.body.code}`;
          expect(said).toEndWith(" → 422 validation_failed");
          expect(answer.body.errors.length).toBeGreaterThan(0);
        }
      });
    }

    // Last, because it may end the caller's own session.
    test(`${route} answers ${success} to whoever holds ${permission}`, async () => {
      const { app, own } = world();
      const caller = callerOf(world());
      const answer = await app.call(at(await own(route)), { token: caller.accessToken, ...body });
      expect(answer.status).toBe(success);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(JSON.stringify(answer.body)).not.toMatch(
        /passwordHash|argon2|loginAttempts|accountId|poolId/,
      );
    });
  }
}

/** The routes of a Hono application as `METHOD /path`, to compare with the cases. */
export function routesOf(
  app: { routes: { method: string; path: string }[] },
  base: string,
): string[] {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  return [
    ...new Set(routes.map(({ method, path }) => `${method} ${base}${path === "/" ? "" : path}`)),
  ].sort();
}

/** A member of the owner's tenant with a custom role of these permissions, also of those that no tenant can give. */
export async function createMemberWith(
  app: TestApp,
  owner: Account,
  permissions: readonly PermissionKey[] = PERMISSIONS,
): Promise<Account> {
  const { tenantId } = owner;
  const member = await createMember(app, owner, []);
  await app.deps.db.role.create({
    data: {
      id: newId(),
      tenantId,
      name: randomName(),
      permissions: { create: permissions.map((permissionKey) => ({ permissionKey, tenantId })) },
      users: { create: { userId: member.id, tenantId } },
    },
  });
  app.deps.grants.forget();
  return member;
}
