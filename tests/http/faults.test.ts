/** What is wrong with a request, in words for people: none of the library's own, and one fault a field. */
import { expect, test } from "bun:test";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { enrolTotp, stopClock, totpCode } from "../support/factors.ts";

const app = testApp();
const LIBRARY =
  /expected|received|Invalid (input|option)|Too (small|big)|Unrecognized|>=|<=|\bstring\b|regex|pattern/i;

type Fault = { path: string; message: string };
async function faults(route: string, json: unknown, token?: string): Promise<Fault[]> {
  const { status, body } = await app.call(route, { json, ...(token && { token }) });
  expect([route, json, status]).toEqual([route, json, 422]);
  const paths = body.errors.map(({ path }: Fault) => path);
  expect(paths).toEqual([...new Set(paths)]);
  for (const { message } of body.errors) expect(message).not.toMatch(LIBRARY);
  return body.errors;
}

const REGISTER = "POST /v1/auth/register";

test("a body is told of in plain words", async () => {
  const tenant = { name: "Acme", slug: "acme" };
  const good = { email: "a@b.example", password: PASSWORD, tenant };
  const said: [json: object, path: string, message: string | RegExp][] = [
    [{ ...good, email: "" }, "email", /^Must be an e-mail address/],
    [{ ...good, email: "a".repeat(100) }, "email", /^Must be an e-mail address/],
    [{ ...good, email: 5 }, "email", "Must be text"],
    [{ ...good, email: undefined }, "email", "Is required"],
    [{ ...good, password: "" }, "password", "May not be empty"],
    [{ ...good, firstName: "" }, "firstName", "May not be empty"],
    [{ ...good, firstName: "x".repeat(121) }, "firstName", "May have 120 characters at most"],
    [{ ...good, firstName: "x".repeat(500) }, "firstName", /^May have \d+ characters at most/],
    [
      { ...good, tenant: { ...tenant, slug: "" } },
      "tenant.slug",
      "Must have 2 characters at least",
    ],
    [{ ...good, tenant: { ...tenant, slug: "A b" } }, "tenant.slug", /^Lower-case letters/],
    [{ ...good, tenant: null }, "tenant", "Must be an object"],
    [{ ...good, tennant: 1 }, "tennant", "Unknown field"],
  ];
  for (const [json, path, message] of said)
    expect([path, await faults(REGISTER, json)]).toEqual([
      path,
      [{ path, message: message instanceof RegExp ? expect.stringMatching(message) : message }],
    ]);
  expect(await faults(REGISTER, {})).toEqual(
    ["email", "password", "tenant"].map((path) => ({ path, message: "Is required" })),
  );
});

test("so are lists, values, numbers, moments and alternatives", async () => {
  const owner = await registerOwner(app);
  const token = owner.accessToken;
  const user = `PATCH /v1/users/${owner.id}`;
  expect(await faults(user, { status: "gone", roles: "member" }, token)).toEqual([
    { path: "status", message: "Must be one of: active, disabled" },
    { path: "roles", message: "Must be a list" },
  ]);
  expect(
    await faults(
      `PATCH /v1/tenants/${owner.tenantId}`,
      { settings: { passwordMinLength: 1.5 } },
      token,
    ),
  ).toEqual([{ path: "settings.passwordMinLength", message: "Must be a whole number" }]);
  const verify = "POST /v1/auth/mfa/verify";
  expect(await faults(verify, { mfaToken: "x", method: "sms", code: "1" })).toEqual([
    { path: "method", message: "Must be one of: totp, recovery_code, passkey" },
  ]);
  const link = "POST /v1/auth/magic-link/verify";
  expect(await faults(link, { challengeId: "x", code: "12345" })).toEqual([
    { path: "code", message: "Must have six digits" },
  ]);
  expect(await faults(link, { challengeId: "x" })).toEqual([
    { path: "code", message: "Is required" },
  ]);
  for (const query of [
    "limit=0",
    "limit=x",
    "limit=101",
    "sort=x",
    "deleted=maybe",
    "tenantId=x",
    "limit=1&limit=2",
  ]) {
    const { status, body } = await app.as(owner, `GET /v1/users?${query}`);
    expect([query, status, body.errors.length]).toEqual([query, 422, 1]);
    expect(body.errors[0].message).not.toMatch(LIBRARY);
  }
  for (const [query, path, message] of [
    ["limit=1&limit=2", "limit", "Is given more than once"],
    ["status=active&status=disabled", "status", "Is given more than once"],
    ["email=a@b.example&email=a@b.example", "email", "Is given more than once"],
    ["limit=99999999999999999999", "limit", "May be 100 at most"],
    ["page=99999999999999999999", "page", "May be 500 at most"],
  ]) {
    const { body } = await app.as(owner, `GET /v1/users?${query}`);
    expect([query, body.errors]).toEqual([query, [{ path, message }]]);
  }
});

test("a wrong code of an app is told what to do; one used before is audited as that, with who it was", async () => {
  stopClock();
  const owner = await registerOwner(app);
  await app.as(owner, "POST /v1/auth/me/totp");
  expect(
    await faults("POST /v1/auth/me/totp/confirm", { code: "271828" }, owner.accessToken),
  ).toEqual([
    { path: "code", message: expect.stringMatching(/^Is wrong or too old: type the six/) },
  ]);
  const { secret, recoveryCodes } = await enrolTotp(app, owner);
  const show = async (method: string, code: string | undefined) => {
    const json = { email: owner.email, password: PASSWORD };
    const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
    return (await app.call("POST /v1/auth/mfa/verify", { json: { mfaToken, method, code } }))
      .status;
  };
  for (const [method, code] of [
    ["totp", totpCode(secret)],
    ["recovery_code", recoveryCodes[0]],
  ] as const)
    expect([await show(method, code), await show(method, code)]).toEqual([200, 401]);
  await show("totp", "271828");
  const rows = await app.deps.db.auditLog.findMany({
    where: { resourceId: owner.id, action: "auth.second_factor_failed" },
    orderBy: { id: "asc" },
    select: { actorId: true, details: true },
  });
  expect(rows as unknown[]).toEqual([
    { actorId: owner.id, details: { method: "totp", reason: "code_used_before" } },
    { actorId: owner.id, details: { method: "recovery_code", reason: "code_used_before" } },
    { actorId: null, details: { method: "totp", reason: "wrong_code" } },
  ]);
});
