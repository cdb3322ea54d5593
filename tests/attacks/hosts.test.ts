/** The Host header, which a proxy, a browser and we must read alike (RFC 9112, section 3.2). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { raw } from "../server/raw.ts";
import { type Server, startServer } from "../server/start.ts";
import { testApp } from "../support/app.ts";

describe("R52: a request", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  const ask = (path: string, ...headers: string[]) =>
    raw(
      server.port,
      Buffer.from(
        [`GET ${path} HTTP/1.1`, ...headers, "Connection: close", "", ""].join("\r\n"),
        "latin1",
      ),
    );

  const twice = [
    ["Host: localhost", "Host: evil.example"],
    ["Host: localhost", "Host: localhost"],
    ["Host: localhost", "host: localhost"],
    ["Host:", "Host:"],
    ["Host: a", "X-Between: 1", "Host: b", "Host: c"],
  ];
  for (const headers of twice) {
    test(`with ${headers.join(" and ")} is a 400, whatever it asks for`, async () => {
      for (const path of [
        "/health/live",
        "/v1/users",
        "/nowhere",
        "http://localhost/health/live",
      ]) {
        const answer = await ask(path, ...headers);
        expect([path, answer.status]).toEqual([path, 400]);
        expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: "invalid_host" });
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
      }
    });
  }

  const malformed = [
    ...[
      "a b",
      "[",
      "[]",
      "[::1",
      "::1",
      "[1.2.3.4]",
      "[::1]x",
      "x/nope?",
      "x/v1/users",
      "x#",
      "x?",
    ],
    ...["user@x", "x:99999", "x:-1", "x:1:2", "x:y", "a,b", "a%20b", "\u00ff", "x".repeat(300)],
  ];
  for (const host of malformed) {
    test(`to ${JSON.stringify(host.slice(0, 20))} is a 400`, async () => {
      const answer = await ask("/health/live", `Host: ${host}`);
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, "invalid_host"]);
    });
  }

  test("by HTTP/1.1 to nobody, or with a folded or spaced-off name, is a 400", async () => {
    for (const headers of [[], ["Host : localhost"], ["Host: a\r\n b"]])
      expect((await ask("/health/live", ...headers)).status).toBe(400);
  });

  const right = [
    "localhost",
    "LOCALHOST:3000",
    "id.example.com",
    "id.example.com.",
    "my_service:80",
  ];
  for (const host of [...right, "127.0.0.1:3000", "[::1]", "[2001:DB8::1]:443", "x:"]) {
    test(`to ${host} is answered`, async () => {
      expect((await ask("/health/live", `Host: ${host}`)).status).toBe(200);
    });
  }
});

describe("R76: what a development server shows below /dev", () => {
  const app = testApp({ NODE_ENV: "development" });

  const ask = (path: string, host: string) => app.call(`GET ${path}`, { headers: { host } });

  for (const host of [
    "localhost",
    "localhost:3000",
    "LocalHost:1",
    "127.0.0.1:3000",
    "[::1]:3000",
  ]) {
    test(`is there for ${host}`, async () => {
      for (const path of ["/dev/mail", "/dev/mail.json"])
        expect([path, (await ask(path, host)).status]).toEqual([path, 200]);
    });
  }

  const strangers = [
    ...["evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example"],
    ...[
      "localhost.",
      "evillocalhost",
      "0.0.0.0:3000",
      "192.168.0.2:3000",
      "[::]:3000",
      "",
      "127.1",
    ],
  ];
  for (const host of strangers) {
    test(`is not for ${host || "nobody"}, which a web page may have made point here`, async () => {
      for (const path of ["/dev/mail", "/dev/mail.json", "/dev/mail.json?x=1"]) {
        const { status, body } = await ask(path, host);
        expect([path, status, body.code]).toEqual([path, 403, "permission_denied"]);
      }
    });
  }
});
