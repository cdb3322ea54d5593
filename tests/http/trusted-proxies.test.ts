/** X-Forwarded-For counts where it comes from a proxy of ours, and from nobody else (TRUSTED_PROXIES). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { createTestApp, PASSWORD, randomName, type TestApp } from "../support/app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

/** The address that a registration is written down with. */
async function writtenDown(
  peer: string,
  forwarded: string | undefined,
  env: Record<string, string>,
): Promise<string | null> {
  const settings = parseConfig({ DATABASE_URL: app.database.appUrl, ...KEY, ...env });
  const { trustedProxyHops, trustedProxies } = settings;
  const config = { ...app.deps.config, trustedProxyHops, trustedProxies };
  const slug = randomName();
  const answer = await createApp({ ...app.served, config }, []).request(
    "/v1/auth/register",
    {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(forwarded !== undefined && { "x-forwarded-for": forwarded }),
      },
      body: JSON.stringify({
        email: `owner@${slug}.example`,
        password: PASSWORD,
        tenant: { name: slug, slug },
      }),
    },
    { requestIP: () => ({ address: peer, family: "IPv4", port: 1 }) },
  );
  expect(answer.status).toBe(201);
  const { rows } = await app.deps.pool.query(
    `SELECT DISTINCT host(ip) AS ip FROM audit_log
     WHERE tenant_id = (SELECT id FROM tenants WHERE slug = $1)`,
    [slug],
  );
  expect(rows).toHaveLength(1);
  return rows[0].ip;
}

const KEY = {
  NODE_ENV: "test",
  SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64"),
};
const CLIENT = "203.0.113.9";

test("from a proxy that is named it counts, from others their own address does", async () => {
  const env = { TRUSTED_PROXY_HOPS: "1", TRUSTED_PROXIES: "10.0.0.7, 10.1.0.0/16,fd00:12::7" };
  for (const proxy of ["10.0.0.7", "10.1.200.3", "fd00:12::7", "::ffff:10.0.0.7"])
    expect([proxy, await writtenDown(proxy, `1.1.1.1, ${CLIENT}`, env)]).toEqual([proxy, CLIENT]);
  for (const stranger of ["10.0.0.8", "198.51.100.1", "fd00:12::8"])
    expect(await writtenDown(stranger, CLIENT, env)).toBe(stranger);
});

test("without a list whoever reaches the port is believed, and with no hops nobody is", async () => {
  expect(await writtenDown("198.51.100.1", CLIENT, { TRUSTED_PROXY_HOPS: "1" })).toBe(CLIENT);
  expect(await writtenDown("198.51.100.1", CLIENT, {})).toBe("198.51.100.1");
  const useless = { DATABASE_URL: app.database.appUrl, ...KEY, TRUSTED_PROXIES: "10.0.0.7" };
  expect(() => parseConfig(useless)).toThrow(ConfigError);
});
