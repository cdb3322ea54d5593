/** R39, R66: after a whole tour no password and no token stands anywhere in the database or in the log. */
import { expect, spyOn, test } from "bun:test";
import { decodeJwt } from "jose";
import { hashToken } from "../../src/crypto/secret.ts";
import { registerOwner, type TestApp, testApp } from "../support/app.ts";

const app = testApp({ LOG_LEVEL: "debug" });

const PASSWORDS = {
  first: "the first secret phrase 1f7c",
  second: "the second secret phrase 92ab",
  wrong: "a mistyped secret phrase 55d0",
  members: "the member's secret phrase 0be3",
};

/** Everything that a user does with secrets, and what goes wrong on the way. Answers every token that was given. */
async function tour(): Promise<string[]> {
  const tokens: string[] = [];
  async function call(route: string, options: Parameters<TestApp["call"]>[1]) {
    const answer = await app.call(route, options);
    tokens.push(...[answer.body?.accessToken, answer.body?.refreshToken].filter(Boolean));
    return answer;
  }
  const email = "tour@example.com";
  const tenant = { name: "Tour", slug: "tour" };
  const owner = await call("POST /v1/auth/register", {
    json: { email, password: PASSWORDS.first, tenant },
  });
  await call("POST /v1/auth/register", { json: { email, password: PASSWORDS.second, tenant } });
  await call("POST /v1/auth/register", {
    json: { email, password: 1, tenant, extra: PASSWORDS.second },
  });
  for (const password of [PASSWORDS.wrong, PASSWORDS.first])
    await call("POST /v1/auth/login", { json: { email, password } });
  const token = owner.body.accessToken;
  await call("POST /v1/users", {
    token,
    json: { email: "m@example.com", password: PASSWORDS.members },
  });
  await call("POST /v1/auth/change-password", {
    token,
    json: { currentPassword: PASSWORDS.wrong, newPassword: PASSWORDS.second },
  });
  await call("POST /v1/auth/change-password", {
    token,
    json: { currentPassword: PASSWORDS.first, newPassword: PASSWORDS.second },
  });
  await call("GET /v1/auth/me", { token: `${token}x` });
  await call(`GET /v1/auth/sessions?cursor=${token}`, { token });

  const { refreshToken } = owner.body;
  for (let n = 0; n < 2; n++) await call("POST /v1/auth/refresh", { json: { refreshToken } });
  await app.deps.pool.query("UPDATE refresh_tokens SET used_at = used_at - interval '1 hour'");
  await call("POST /v1/auth/refresh", { json: { refreshToken } });
  const last = await call("POST /v1/auth/login", { json: { email, password: PASSWORDS.second } });
  await call("POST /v1/auth/logout", { token: last.body.accessToken });

  // A fault of ours, in the middle of a registration, a login and a refresh: it is logged with all that is known of it.
  const other = await registerOwner(app);
  await app.deps.pool.query("ALTER TABLE audit_log RENAME TO audit_log_away");
  await call("POST /v1/auth/register", {
    json: { email: "x@example.com", password: PASSWORDS.second, tenant: { name: "X", slug: "xx" } },
  });
  await call("POST /v1/auth/login", { json: { email, password: PASSWORDS.second } });
  const failed = await call("POST /v1/auth/refresh", {
    json: { refreshToken: other.refreshToken },
  });
  await app.deps.pool.query("ALTER TABLE audit_log_away RENAME TO audit_log");
  expect(failed.status).toBe(500);
  return [...tokens, other.accessToken, other.refreshToken];
}

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const { rows } = await app.deps.pool.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
  );
  const tables = await Promise.all(
    rows.map(
      async ({ name }) =>
        (await app.deps.pool.query(`SELECT t::text AS row FROM ${name} AS t`)).rows,
    ),
  );
  return tables
    .flat()
    .map(({ row }) => row)
    .join("\n");
}

/** The forms in which a secret could hide: itself, in pieces of a JSON text, or as the bytes of a bytea column. */
function formsOf(secret: string): string[] {
  const bytes = [Buffer.from(secret), Buffer.from(secret, "base64url")];
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    ...bytes.map((b) => b.toString("hex")),
  ];
}

test("R39, R66: no password and no token in any table or log line, whatever went wrong", async () => {
  const lines: string[] = [];
  const stdout = spyOn(process.stdout, "write").mockImplementation(
    (line) => lines.push(String(line)) > 0,
  );
  const tokens = await tour().finally(() => stdout.mockRestore());
  const log = lines.join("");
  const rows = await dump();

  // What is looked through is really there.
  const refreshTokens = tokens.filter((token) => !token.includes("."));
  expect(refreshTokens.length).toBeGreaterThanOrEqual(5);
  for (const token of refreshTokens) expect(rows).toContain(hashToken(token).toString("hex"));
  expect(rows).toContain("$argon2id$");
  expect(log).toContain("/v1/auth/refresh");
  expect(log).toContain("audit_log");

  for (const secret of [
    ...Object.values(PASSWORDS),
    ...tokens,
    ...tokens.map((token) => token.split(".").at(-1) ?? ""),
  ]) {
    for (const form of formsOf(secret)) {
      expect(rows.includes(form), `in a table: ${form}`).toBe(false);
      expect(log.includes(form), `in the log: ${form}`).toBe(false);
    }
  }
  expect(log).not.toContain("$argon2id$");
  expect(log).not.toContain("@example.com");
  const { jti } = decodeJwt(tokens.find((token) => token.includes(".")) ?? "");
  expect(rows).not.toContain(String(jti));
});
