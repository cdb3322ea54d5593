/** Compares the live schema with the snapshot that the build carries: in the background, never within a request. */
import { readFingerprints } from "@tenantry/drift/fingerprint";

export type SchemaVerdict = {
  /** unknown: it could not be compared, or has not been yet. */
  verdict: "ok" | "drift" | "unknown";
  expected: string | null;
  live: string | null;
};

export type SchemaWatch = {
  current(): SchemaVerdict;
  stop(): void;
};

export type SchemaWatchOptions = {
  databaseUrl: string;
  snapshotFile: string;
  everySeconds: number;
  onError: (err: unknown) => void;
};

const UNKNOWN: SchemaVerdict = { verdict: "unknown", expected: null, live: null };

/** Awaits the first comparison, so that an instance that begins to serve knows its schema. */
export async function watchSchema(options: SchemaWatchOptions): Promise<SchemaWatch> {
  let current = UNKNOWN;
  let timer: Timer | undefined;
  let stopped = false;

  async function refresh(): Promise<void> {
    try {
      const { expected, live } = await readFingerprints(options.databaseUrl, options.snapshotFile);
      current = { verdict: live === expected ? "ok" : "drift", expected, live };
    } catch (err) {
      current = { ...current, verdict: "unknown" };
      options.onError(err);
    }
    if (!stopped) timer = setTimeout(refresh, options.everySeconds * 1000);
  }

  await refresh();
  return {
    current: () => current,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
