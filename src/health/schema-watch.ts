/** Compares the live schema with the snapshot that the build carries: in the background, never within a request. */

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
  /** Without it the first comparison is awaited. Else it is made after so many seconds. */
  firstAfterSeconds?: number;
  onError: (err: unknown) => void;
};

const UNKNOWN: SchemaVerdict = { verdict: "unknown", expected: null, live: null };

/** Where it is asked for, an instance knows its schema before it begins to serve. */
export async function watchSchema(options: SchemaWatchOptions): Promise<SchemaWatch> {
  let current = UNKNOWN;
  let timer: Timer | undefined;
  let stopped = false;

  async function refresh(): Promise<void> {
    try {
      const { readFingerprints } = await import("@tenantry/drift/fingerprint");
      const { expected, live } = await readFingerprints(options.databaseUrl, options.snapshotFile);
      current = { verdict: live === expected ? "ok" : "drift", expected, live };
    } catch (err) {
      current = { ...current, verdict: "unknown" };
      options.onError(err);
    }
    if (!stopped) timer = setTimeout(refresh, options.everySeconds * 1000);
  }

  const { firstAfterSeconds } = options;
  if (firstAfterSeconds === undefined) await refresh();
  else timer = setTimeout(refresh, firstAfterSeconds * 1000);
  return {
    current: () => current,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
