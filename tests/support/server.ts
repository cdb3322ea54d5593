/** The PostgreSQL server of a test run: DATABASE_URL_TEST, else a container (TEST_POSTGRES=testcontainers), else embedded. */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";

export type TestServer = { url: string; kind: string; stop(): Promise<void> };

/**
 * Linux's file system in memory. A run makes and drops some two thousand databases of three hundred files each; on a disk
 * that takes more of the processors than everything else that the server does.
 */
const MEMORY = "/dev/shm";
/** Three times what the server of a whole run takes at most. */
const ROOM_BYTES = 2 * 1024 ** 3;

export async function startTestServer(): Promise<TestServer> {
  const given = process.env.DATABASE_URL_TEST;
  if (given) return { url: given, kind: "DATABASE_URL_TEST", stop: async () => {} };

  const wanted = process.env.TEST_POSTGRES || "embedded";
  if (wanted === "testcontainers") return startContainer();
  if (wanted === "embedded") return startEmbeddedServer();
  throw new Error(`TEST_POSTGRES may be testcontainers or embedded, not ${wanted}.`);
}

/** Ready once it answers by TCP: what initialises the image answers by its socket alone, and logs that it is ready. */
async function startContainer(): Promise<TestServer> {
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const { Wait } = await import("testcontainers");
  const container = await new PostgreSqlContainer("postgres:18-alpine")
    .withCommand(["postgres", "-c", "max_connections=200", "-c", "fsync=off"])
    .withWaitStrategy(Wait.forSuccessfulCommand("pg_isready --host=127.0.0.1"))
    .start();
  return {
    url: container.getConnectionUri(),
    kind: "container",
    async stop() {
      await container.stop();
    },
  };
}

async function startEmbeddedServer(): Promise<TestServer> {
  const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), "tenantry-test-"));
  const server = await startEmbedded({ dataDir: join(folder, "postgres"), disposable: true });
  return {
    url: server.url,
    kind: "embedded",
    async stop() {
      server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the file system is there, and has room, and the machine the memory for it. */
function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > ROOM_BYTES && freemem() > 3 * ROOM_BYTES;
  } catch {
    return false; // Not Linux.
  }
}
