/** Servers of every version of PostgreSQL that the drift check supports, for the tests that run on all of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";

export const versions = [15, 16, 17, 18] as const;
export type Version = (typeof versions)[number];

type Started = { url: string; stop(): void };

const servers = new Map<Version, Promise<Started>>();

/** URL of the maintenance database of a server of this version, started for the first that asks in this process. */
export async function serverOfVersion(version: Version): Promise<string> {
  const server = servers.get(version) ?? start(version);
  servers.set(version, server);
  return (await server).url;
}

/** To be called when the tests of the file are done. */
export async function stopServers(): Promise<void> {
  for (const server of servers.values()) (await server).stop();
  servers.clear();
}

async function start(version: Version): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), `tenantry-test-${version}-`));
  const server = await startEmbedded({
    dataDir: join(folder, "postgres"),
    disposable: true,
    version,
  });
  const stop = () => {
    process.off("exit", stop);
    server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", stop); // Also when the run is broken off.
  return { url: server.url, stop };
}
