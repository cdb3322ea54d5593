/** `bun run doctor`: what an instance has beside its database, what hangs, and a login that lacks rights. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { testApp } from "../support/app.ts";
import { patient } from "./patient.ts";

const app = testApp();
const it = patient(app);
const servers: Server[] = [];
const PASSWORD = "a-password-of-a-store";

/** A port on which `answer` is what somebody hears. */
async function serverThat(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    answer(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

let silent = 0;
beforeAll(async () => {
  silent = await serverThat(() => {});
});
afterAll(() => {
  for (const server of servers) server.close();
});

async function expectWrong(
  change: Record<string, string>,
  name: string,
  what: RegExp,
): Promise<void> {
  const { wrong } = await it.examine(change);
  expect(wrong).toEqual([
    { name, state: "wrong", what: expect.stringMatching(what), advice: expect.any(String) },
  ]);
  expect(JSON.stringify(wrong)).not.toContain(PASSWORD);
}

describe("a store of limits", () => {
  const store = (port: number) => ({
    RATE_LIMIT_STORE_URL: `redis://u:${PASSWORD}@127.0.0.1:${port}`,
  });

  test("that is away, silent, asks for another password, or takes no writes", async () => {
    await expectWrong(store(1), "store", /^127\.0\.0\.1:1: /);
    await expectWrong(store(silent), "store", /no answer came in time|timeout/i);
    const closed = await serverThat((socket) =>
      socket.on("data", () => socket.write("-WRONGPASS no\r\n")),
    );
    await expectWrong(store(closed), "store", /WRONGPASS/);
  });
});

describe("a replica", () => {
  const replica = (url: string) => ({ DATABASE_REPLICA_URL: url });

  test("that is away, or is none", async () => {
    await expectWrong(
      replica("postgresql://a:b@127.0.0.1:1/x"),
      "replica",
      /nothing listens there/,
    );
    await expectWrong(replica(app.database.appUrl), "replica", /^it is no replica$/);
  });
});

test("the port of the metrics, where another program has it", async () => {
  await expectWrong({ METRICS_PORT: String(silent) }, "metrics", /is taken: set METRICS_PORT/);
});

test("a login without the rights of the server", async () => {
  await app.database.query(`CREATE ROLE without_rights LOGIN PASSWORD '${PASSWORD}'`);
  const url = new URL(app.database.url);
  Object.assign(url, { username: "without_rights", password: PASSWORD });
  const { wrong } = await it.examine({ DATABASE_URL: url.href });
  await app.database.query("DROP ROLE without_rights");
  expect(wrong.map(({ name }) => name)).toEqual(["login", "migrations", "keys"]);
  expect(wrong[0]?.what).toMatch(/may not (DELETE|INSERT|SELECT|UPDATE) public\./);
  expect(wrong.every(({ advice }) => advice?.includes("db:roles"))).toBe(true);
});

test("a file of certificates that is not there, and a database that takes connections and says nothing", async () => {
  const certificate = `${app.database.appUrl}?sslmode=verify-full&sslrootcert=${join(it.folder, "none.crt")}`;
  await expectWrong(
    { DATABASE_URL: certificate },
    "database",
    /none\.crt that the URL of the database names cannot be read \(ENOENT\)/,
  );
  const start = performance.now();
  await expectWrong(
    { DATABASE_URL: `postgresql://a:${PASSWORD}@127.0.0.1:${silent}/x` },
    "database",
    /nothing came back in time/,
  );
  expect(performance.now() - start).toBeLessThan(20_000);
});

test("a mail server that hangs at EHLO, and one whose STARTTLS is none", async () => {
  const start = performance.now();
  const mute = await serverThat((socket) => socket.write("220 hello\r\n"));
  await expectWrong({ SMTP_URL: `smtp://127.0.0.1:${mute}` }, "mail", /ETIMEDOUT/);
  expect(performance.now() - start).toBeLessThan(14_000);
  const odd = await serverThat((socket) => {
    socket.write("220 hello\r\n");
    socket.on("data", (data) =>
      socket.write(
        /^EHLO/i.test(`${data}`) ? "250-odd\r\n250 STARTTLS\r\n" : "220 go\r\nno TLS at all\r\n",
      ),
    );
  });
  await expectWrong(
    { SMTP_URL: `smtp://127.0.0.1:${odd}` },
    "mail",
    /offers STARTTLS, and what follows is no TLS/,
  );
});
