/** A server as production runs it: started again whenever it ends, by whatever it ended. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";

const ROOT = join(import.meta.dir, "..", "..");
const AGAIN_MILLIS = 250;

export type Instance = {
  name: string;
  url: string;
  signal(signal: NodeJS.Signals): void;
  /** It ended though nobody had told it to, after it had served. */
  deaths: string[];
  logFile: string;
  stop(): Promise<void>;
};

export function startInstance(
  name: string,
  env: Record<string, string>,
  logFile: string,
): Instance {
  const deaths: string[] = [];
  let child: Subprocess;
  let told = false;
  let stopped = false;

  function begin(): void {
    const log = openSync(logFile, "a");
    child = Bun.spawn([process.execPath, "--no-orphans", "--no-env-file", "src/index.ts"], {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const begun = Date.now();
    void child.exited.then(async (status) => {
      // It may end at a start without a database, as it says: then it is started again.
      const served = Date.now() - begun > 5000;
      if (!told && served) deaths.push(`${name} ended by itself: ${child.signalCode ?? status}`);
      told = false;
      await Bun.sleep(AGAIN_MILLIS);
      if (!stopped) begin();
    });
  }

  begin();
  return {
    name,
    url: `http://${env.HOST}:${env.PORT}`,
    deaths,
    logFile,
    signal(signal) {
      told ||= signal === "SIGKILL" || signal === "SIGTERM";
      child.kill(signal);
    },
    async stop() {
      stopped = true;
      told = true;
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
