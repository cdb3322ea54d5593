/** Sending imports, and writing their bodies. */
import { type Account, randomName, type TestApp } from "../support/app.ts";

export type ImportBody = string | Uint8Array<ArrayBuffer> | ReadableStream;
export type ImportOptions = { type?: string; query?: string; key?: string | null; who?: Account };

export const NDJSON = "application/x-ndjson";

/** As `owner`, unless the options name somebody else; CSV, under a key of its own. */
export function sendImport(
  app: TestApp,
  owner: Account,
  body: ImportBody,
  { type = "text/csv", query = "", key = randomName(), who = owner }: ImportOptions = {},
) {
  const headers = { "content-type": type, ...(key !== null && { "idempotency-key": key }) };
  return app.call(`POST /v1/users/import${query}`, { token: who.accessToken, headers, body });
}

/** JSON a line; text stands as it is. */
export function lines(...rows: unknown[]): string {
  return rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n");
}
