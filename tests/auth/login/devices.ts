/** Clients that ask to be known again. Needs TRUSTED_PROXY_HOPS=1. */
import type { PolicyName } from "../../../src/rate-limits/policies.ts";
import { from, makeUser, newAddress } from "../../rate-limits/callers.ts";
import { type Answer, PASSWORD, type TestApp } from "../../support/app.ts";

export const HEADER = "tenantry-device-token";

type Tried = { email: string; password?: string; device?: string; address?: string };

/** A log-in by password, from an address that nobody had before unless one is named. */
export function logInFrom(
  app: TestApp,
  { email, password = PASSWORD, device, address = newAddress() }: Tried,
) {
  return app.call("POST /v1/auth/login", {
    json: { email, password },
    headers: { ...from(address), ...(device !== undefined && { [HEADER]: device }) },
  });
}

/** A user, and the token of the device that they have logged in from. */
export async function knownUser(app: TestApp) {
  const user = await makeUser(app);
  const { status, body } = await logInFrom(app, { ...user, device: "new" });
  if (status !== 200) throw new Error(`login answered ${status}: ${JSON.stringify(body)}`);
  return { ...user, device: String(body.deviceToken), tokens: body };
}

/** As if a policy's attempts of a network were made by others. */
export async function spent(
  { deps: { rateLimits, config } }: TestApp,
  policy: PolicyName,
  address = newAddress(),
): Promise<string> {
  await rateLimits.charge(policy, address, config.limits[policy].quota + 1);
  return address;
}

/** The status, and the limit that was reached. */
export function told({ status, body }: Answer): unknown[] {
  return [status, body["violated-policies"] ?? null];
}

/** Puts an account's counter where it would be after so many failures of strangers, with a lock that goes on. */
export function lock({ deps }: TestApp, id: string, failures: number) {
  return deps.db.account.update({
    where: { id },
    data: { loginAttempts: failures, lockedUntil: new Date(Date.now() + 900_000) },
  });
}
