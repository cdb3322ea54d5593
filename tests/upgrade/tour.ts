/** What people and machines do in a day, each step at another server where there are two. */
import { expect } from "bun:test";
import { randomBytes } from "node:crypto";
import { parseMail, type TestSmtp } from "../mail/smtp-server.ts";
import type { Server } from "../server/start.ts";

const PASSWORD = "correct horse battery staple";
const NEW_PASSWORD = "another horse with a battery";
const MAIL_MILLIS = 20_000;
const HEARD_MILLIS = 10_000;

type Asked = { json?: unknown; token?: string; headers?: Record<string, string> };
// biome-ignore lint/suspicious/noExplicitAny: a step names the fields that it expects, and fails when they are not there
type Body = any;

/** @param servers each step is asked of the next one of them. */
export async function takeTour(servers: readonly Server[], smtp: TestSmtp): Promise<void> {
  let step = 0;
  async function call(route: string, wanted: number, asked: Asked = {}): Promise<Body> {
    const { json, token, headers } = asked;
    const [method = "GET", path = "/"] = route.split(" ");
    const server = servers[step++ % servers.length];
    const response = await fetch(`${server?.url}${path}`, {
      method,
      headers: {
        ...headers,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    expect([route, response.status, text]).toEqual([route, wanted, text]);
    return text.startsWith("{") ? JSON.parse(text) : text;
  }

  const name = `t${randomBytes(5).toString("hex")}`;
  const email = `owner@${name}.example`;
  const credentials = { email, password: PASSWORD };
  const tenant = { name, slug: name };
  await call("POST /v1/auth/register", 201, { json: { ...credentials, tenant } });
  const login = await call("POST /v1/auth/login", 200, { json: credentials });
  const { refreshToken } = login;
  const { accessToken: token } = await call("POST /v1/auth/refresh", 200, {
    json: { refreshToken },
  });
  expect((await call("GET /v1/auth/me", 200, { token })).user.email).toBe(email);
  await call("GET /v1/auth/sessions", 200, { token });
  await call("PATCH /v1/auth/me/profile", 200, { token, json: { language: "de" } });

  const key = { "idempotency-key": crypto.randomUUID() };
  const person = { email: `ada@${name}.example`, password: PASSWORD, firstName: "Ada" };
  const made = await call("POST /v1/users", 201, { token, json: person, headers: key });
  const again = await call("POST /v1/users", 201, { token, json: person, headers: key });
  expect(again.id).toBe(made.id);
  const json = { lastName: "Lovelace" };
  expect((await call(`PATCH /v1/users/${made.id}`, 200, { token, json })).lastName).toBe(
    "Lovelace",
  );
  for (const query of ["", "?search=lovelace", `?search=ada@${name}`, "?page=1"]) {
    const { items } = await call(`GET /v1/users${query}`, 200, { token });
    expect(items.map(({ id }: { id: string }) => id)).toContain(made.id);
  }
  await call("POST /v1/auth/login", 200, {
    json: person && { email: person.email, password: PASSWORD },
  });
  await call(`DELETE /v1/users/${made.id}`, 204, { token });
  await call(`GET /v1/users/${made.id}`, 404, { token });
  await call(`POST /v1/users/${made.id}/restore`, 200, { token });

  const role = { name: "reader", permissions: ["user:read"] };
  await call("POST /v1/roles", 201, { token, json: role });
  await call(`PATCH /v1/users/${made.id}`, 200, { token, json: { roles: ["reader"] } });
  const machine = { name: "Robot", roles: ["reader"] };
  const { id: userId } = await call("POST /v1/service-accounts", 201, { token, json: machine });
  const apiKey = { name: "Robot's", scopes: ["user:read"], userId };
  const { key: secret } = await call("POST /v1/api-keys", 201, { token, json: apiKey });
  await call("GET /v1/users", 200, { token: secret });

  const invited = `grace@${name}.example`;
  await call("POST /v1/invitations", 201, { token, json: { email: invited } });
  const invitation = await tokenOfMail(smtp, invited);
  await call("POST /v1/invitations/accept", 201, {
    json: { token: invitation, password: PASSWORD },
  });

  await call("POST /v1/auth/forgot-password", 202, { json: { email: invited } });
  const reset = await tokenOfMail(smtp, invited, invitation);
  await call("POST /v1/auth/reset-password", 204, {
    json: { token: reset, newPassword: NEW_PASSWORD },
  });
  await call("POST /v1/auth/login", 200, { json: { email: invited, password: NEW_PASSWORD } });
  await call("POST /v1/auth/login", 401, { json: { email: invited, password: PASSWORD } });

  await call("GET /v1/audit-logs?limit=20", 200, { token });
  await call("POST /v1/auth/logout", 204, { token });
  for (const server of servers) await untilRefused(server, token);
}

/** Another one than was asked to hears of it a moment later. */
async function untilRefused({ url }: Server, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const ask = async () => (await fetch(`${url}/v1/auth/me`, { headers })).status;
  let status = await ask();
  for (
    const end = Date.now() + HEARD_MILLIS;
    status !== 401 && Date.now() < end;
    await Bun.sleep(50)
  )
    status = await ask();
  expect(["GET /v1/auth/me", status]).toEqual(["GET /v1/auth/me", 401]);
}

/** The token of the link in the newest mail to the address, other than that one. Whichever server has the job sends it. */
async function tokenOfMail(smtp: TestSmtp, to: string, known = ""): Promise<string> {
  for (const end = Date.now() + MAIL_MILLIS; Date.now() < end; await Bun.sleep(50)) {
    for (const { raw } of smtp.deliveries.filter((delivery) => delivery.to.includes(to))) {
      const text = parseMail(raw).parts.get("text/plain") ?? "";
      const token = /#token=([\w-]+)/.exec(text)?.[1];
      if (token && token !== known) return token;
    }
  }
  throw new Error(`no mail to ${to}`);
}
