/** What keeps a start from its database, told by the errors that PostgreSQL, Node and the system really give. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { faultOfDatabase } from "../../src/db/await-database.ts";
import { startProxy } from "../server/proxy.ts";
import { createDatabase, onServer, type TestDatabase } from "../support/postgres.ts";

const PASSWORD = randomBytes(16).toString("hex");
const user = `tenantry_full_${randomBytes(4).toString("hex")}`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  await database.query(`CREATE ROLE ${user} LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 0`);
});
afterAll(async () => {
  await database.drop();
  await onServer(`DROP ROLE ${user}`);
});

function url(change: (url: URL) => void = () => {}): string {
  const changed = new URL(database.url);
  changed.username = user;
  changed.password = PASSWORD;
  change(changed);
  return changed.href;
}

/** The words, and whether waiting may help; never with the password in them. */
async function fault(databaseUrl: string): Promise<[string, boolean] | null> {
  const found = await faultOfDatabase(databaseUrl, 2);
  expect(found?.words ?? "").not.toContain(PASSWORD);
  return found && [found.words, found.passes];
}

const words = (text: string) => expect.stringContaining(text);
const host = () => new URL(database.url).host;

test("a name that no machine has, a port where nothing listens, a network that is not there", async () => {
  const absent = url((to) => {
    to.host = "no-such-host.invalid:5432";
  });
  expect(await fault(absent)).toEqual([words("no-such-host.invalid"), true]);
  const closed = url((to) => {
    to.host = "127.0.0.1:1";
  });
  expect(await fault(closed)).toEqual([
    "the database at 127.0.0.1:1 does not answer: nothing listens there (ECONNREFUSED).",
    true,
  ]);
  expect(await fault("postgresql:///tenantry?host=/nowhere")).toEqual([words("/nowhere"), true]);
});

test("a server that says nothing, and one that hangs up", async () => {
  const proxy = await startProxy(url());
  proxy.freeze();
  expect(await fault(proxy.url)).toEqual([words("nothing came back in time"), true]);
  proxy.cut();
  expect(await fault(proxy.url)).toEqual([words("it ended the connection"), true]);
  await proxy.close();
});

test("TLS that the server does not speak", async () => {
  const tls = url((to) => to.searchParams.set("sslmode", "require"));
  expect(await fault(tls)).toEqual([words(`${host()} speaks no TLS`), false]);
});

test("a wrong password names the user and the host", async () => {
  const wrong = url((to) => {
    to.password = "hunter2";
  });
  expect(await fault(wrong)).toEqual([
    `Authentication failed: the database at ${host()} refuses the password of the user ${user} (28P01).`,
    false,
  ]);
});

test("a database that is not there is named, one that is closed may be opened", async () => {
  const unlimited = new URL(database.url);
  unlimited.pathname = "/absent";
  expect(await fault(unlimited.href)).toEqual([words("the database absent does not exist"), false]);
  await onServer(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS false`);
  expect(await fault(database.url)).toEqual([words("takes no connections at the moment"), true]);
  await onServer(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS true`);
});

test("no connection free, and a server that is only starting", async () => {
  expect(await fault(url())).toEqual([words("it has no connection free (53300)"), true]);
  // What PostgreSQL answers to the first packet while it starts.
  const starting = createServer((socket) =>
    socket.once("data", () =>
      socket.end(errorPacket("57P03", "the database system is starting up")),
    ),
  );
  await new Promise<void>((resolve) => starting.listen(0, "127.0.0.1", resolve));
  const at = starting.address();
  const toStarting = url((to) => {
    to.host = `127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
  });
  expect(await fault(toStarting)).toEqual([
    words("it is starting up or shutting down (57P03)"),
    true,
  ]);
  starting.close();
});

test("a database that takes no changes; one that does has no fault", async () => {
  expect(await fault(database.url)).toBeNull();
  await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
  expect(await fault(database.url)).toEqual([
    `the database at ${host()} takes no changes: default_transaction_read_only is on.`,
    true,
  ]);
});

/** ErrorResponse of the protocol, version 3. */
function errorPacket(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from("E\0\0\0\0");
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
