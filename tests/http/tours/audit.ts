import type { Tour } from "../tour.ts";

/** The audit log and its export. */
export async function tour({ call, owner, root }: Tour): Promise<void> {
  const { accessToken: token } = root;
  await call(200, "GET /v1/audit-logs?limit=100", { token });
  await call(200, "GET /v1/audit-logs?outcome=failure", { token: owner.accessToken });
  await call(200, "GET /v1/audit-logs?ip=203.0.113.7&requestId=a", { token: owner.accessToken });
  await call(422, "GET /v1/audit-logs?from=yesterday", { token });
  await call(200, "GET /v1/audit-logs/export?action=none.such", { token: owner.accessToken });
  const headers = { accept: "text/csv" };
  await call(200, "GET /v1/audit-logs/export", { token: owner.accessToken, headers });
  await call(422, "GET /v1/audit-logs/export?limit=1", { token });
  await call(401, "GET /v1/audit-logs/export");
}
