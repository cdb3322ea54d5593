import { announceBootstrap } from "../../../src/platform/announce-bootstrap.ts";
import { SYSTEM_ROLES } from "../../../src/roles/permissions.ts";
import { PASSWORD, type TestApp } from "../../support/app.ts";
import type { Tour } from "../tour.ts";

/** The first super admin, and acting as a user. */
export async function tour({ app, call, owner, root }: Tour): Promise<void> {
  const json = { token: "wrong", email: "first@platform.example", password: PASSWORD };
  await call(400, "POST /v1/platform/bootstrap", { json });
  await call(422, "POST /v1/platform/bootstrap", { json: { token: "wrong" } });
  const fresh = await freshToken(app);
  await call(201, "POST /v1/platform/bootstrap", { json: { ...json, token: fresh.token } });
  await fresh.giveBack();

  const token = root.accessToken;
  const reason = { reason: "Ticket 4711" };
  const path = `/v1/users/${owner.id}/impersonate`;
  const { accessToken } = await call(200, `POST ${path}`, { token, json: reason });
  await call(200, "GET /v1/auth/me", { token: String(accessToken) });
  await call(403, "POST /v1/auth/logout-all", { token: String(accessToken) });
  await call(200, "GET /v1/auth/sessions", { token: owner.accessToken });
  await call(204, "POST /v1/auth/logout", { token: String(accessToken) });
  await call(403, `POST ${path}`, { token: owner.accessToken, json: reason });
  await call(404, "POST /v1/users/0/impersonate", { token, json: reason });
  await call(422, `POST ${path}`, { token, json: {} });
}

/** A token as if there were no super admin yet: those who are wait until `giveBack`. */
async function freshToken({ deps }: TestApp) {
  const roleId = SYSTEM_ROLES.super_admin;
  const data = await deps.db.userRole.findMany({ where: { roleId } });
  await deps.db.userRole.deleteMany({ where: { roleId } });
  let token = "";
  const stop = await announceBootstrap(deps, (text) => {
    token = /^ {2}(\S{43})$/m.exec(text)?.[1] ?? "";
  });
  return {
    token,
    async giveBack() {
      await stop?.();
      await deps.db.userRole.createMany({ data });
      deps.grants.forget();
    },
  };
}
