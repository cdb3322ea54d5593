/** What a load process is told, and what it answers. */

export type Call = {
  /** "GET /v1/auth/me" */
  route: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
};

export type Plan = {
  port: number;
  connections: number;
  /** Sent and not counted, so that caches and compilers are warm. */
  warmUpSeconds: number;
  seconds: number;
  /** In turn, whichever connection is free. */
  calls: Call[];
  /** Of the answers that count. Any other one is a fault of the measurement. */
  status: number;
  /** Each connection keeps to one call, and sends of its last answer the refresh token. */
  followRefreshToken?: boolean;
  /** Ends with the last call. Without it they begin again. */
  once?: boolean;
  /** Between an answer and the next request of a connection. */
  pauseMillis?: number;
  /** Whose CPU time is taken: process ids, with all that these processes have begun. */
  processes: Record<string, number>;
};

export type Load = {
  requests: number;
  /** Requests a second. */
  rate: number;
  p50Millis: number;
  p99Millis: number;
  /** Of each of the processes, a request. */
  cpuMicros: Record<string, number>;
  /** Of all cores, what neither these processes nor the load itself used. */
  foreignShare: number;
};
