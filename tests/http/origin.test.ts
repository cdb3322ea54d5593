/** Who the caller is taken for: address, user agent, request id, as the audit log and sessions keep them. */
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { AppEnv } from "../../src/context.ts";
import { requestContext } from "../../src/http/request-context.ts";
import type { RequestOrigin } from "../../src/principal.ts";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";

const app = testApp();

/** What a request is taken for, behind so many proxies, from a socket with this address. */
async function origin(
  hops: number,
  headers: Record<string, string>,
  address?: string,
): Promise<RequestOrigin> {
  const deps = { ...app.deps, config: { ...app.deps.config, trustedProxyHops: hops } };
  const server = { requestIP: () => (address === undefined ? null : { address }) };
  const probe = new Hono<AppEnv>()
    .use(requestContext(deps))
    .get("/", (c) => c.json(c.var.ctx.origin));
  const response = await probe.request("/", { headers }, server);
  return (await response.json()) as RequestOrigin;
}

const forwarded = (list: string) => ({ "x-forwarded-for": list });

describe("R14: the caller's address", () => {
  const cases: [
    what: string,
    hops: number,
    headers: Record<string, string>,
    socket: string | undefined,
    ip: string | null,
  ][] = [
    ["is the socket's", 0, {}, "203.0.113.7", "203.0.113.7"],
    [
      "is the socket's, whatever X-Forwarded-For says, when no proxy is trusted",
      0,
      forwarded("10.0.0.1"),
      "203.0.113.7",
      "203.0.113.7",
    ],
    [
      "is the one entry that our one proxy wrote",
      1,
      forwarded("198.51.100.1"),
      "10.0.0.2",
      "198.51.100.1",
    ],
    [
      "is not what the caller wrote to its left",
      1,
      forwarded("6.6.6.6, 198.51.100.1"),
      "10.0.0.2",
      "198.51.100.1",
    ],
    [
      "is the second from the right behind two",
      2,
      forwarded("6.6.6.6, 198.51.100.1 , 10.0.0.3"),
      "10.0.0.2",
      "198.51.100.1",
    ],
    [
      "is unknown when there are fewer entries than proxies",
      2,
      forwarded("198.51.100.1"),
      "10.0.0.2",
      null,
    ],
    ["is unknown when a trusted proxy wrote none", 1, {}, "10.0.0.2", null],
    ["is unknown when the entry is no address", 1, forwarded("unknown"), "10.0.0.2", null],
    [
      "is unknown when the entry is SQL",
      1,
      forwarded("1.1.1.1'; DROP TABLE users; --"),
      "10.0.0.2",
      null,
    ],
    ["is IPv4 when it comes mapped into IPv6", 0, {}, "::ffff:203.0.113.7", "203.0.113.7"],
    [
      "is IPv4 when it comes so from a proxy, in capitals",
      1,
      forwarded("::FFFF:203.0.113.7"),
      "::1",
      "203.0.113.7",
    ],
    ["is IPv4 when it is mapped in hexadecimal", 0, {}, "::ffff:cb00:7107", "203.0.113.7"],
    ["has no port", 1, forwarded("198.51.100.1:4711"), "::1", "198.51.100.1"],
    ["has no port in IPv6 either", 1, forwarded("[2001:db8::1]:443"), "::1", "2001:db8::1"],
    ["has no brackets", 1, forwarded("[2001:db8::1]"), "::1", "2001:db8::1"],
    ["is unknown when what follows is no port", 1, forwarded("198.51.100.1:x"), "::1", null],
    ["is IPv6 as it stands", 0, {}, "2001:db8::1", "2001:db8::1"],
    ["has no zone, which PostgreSQL would refuse", 0, {}, "fe80::1%eth0", "fe80::1"],
    ["is unknown when the transport does not tell", 0, {}, undefined, null],
  ];
  for (const [what, hops, headers, socket, ip] of cases) {
    test(what, async () => {
      expect((await origin(hops, headers, socket)).ip).toBe(ip);
    });
  }
});

describe("the user agent", () => {
  test("is kept as it is when it is plain, and null when there is none", async () => {
    expect((await origin(0, { "user-agent": "curl/8.5.0" })).userAgent).toBe("curl/8.5.0");
    expect((await origin(0, {})).userAgent).toBeNull();
    expect((await origin(0, { "user-agent": "" })).userAgent).toBeNull();
  });

  test("has no control and no foreign characters, and 512 characters at most", async () => {
    const { userAgent } = await origin(0, {
      "user-agent": `\u001b[31m\tréd ${"x".repeat(10_000)}`,
    });
    expect(userAgent).toMatch(/^\?\[31m\?r\?d x+$/);
    expect(userAgent).toHaveLength(512);
  });
});

test("hostile headers are stored without harm, and the audit row names the request", async () => {
  const owner = await registerOwner(app);
  const headers = {
    "user-agent": "'); DROP TABLE sessions; -- \u00ff",
    "x-forwarded-for": "not an address",
    "x-request-id": "trace-4711",
  };
  const json = { email: owner.email, password: PASSWORD };
  const { status, body } = await app.call("POST /v1/auth/login", { json, headers });
  expect(status).toBe(200);
  const { rows } = await app.deps.pool.query(
    "SELECT user_agent, host(ip) AS ip FROM audit_log WHERE request_id = 'trace-4711' AND action = 'auth.logged_in'",
  );
  expect(rows).toEqual([{ user_agent: "'); DROP TABLE sessions; -- ?", ip: null }]);
  const sessions = await app.call("GET /v1/auth/sessions", { token: body.accessToken });
  expect(sessions.body.items[0].userAgent).toBe("'); DROP TABLE sessions; -- ?");
});
