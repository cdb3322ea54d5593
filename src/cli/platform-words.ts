/** What `bun run platform` says. */
import type { Ended, Restored, RestoreOptions } from "../platform/restored.ts";
import { WAY_IN_MINUTES, type WayIn } from "../platform/way-in.ts";

type Kept = Pick<RestoreOptions, "keepApiKeys">;

export function inJson(result: WayIn | Restored): string {
  return `${JSON.stringify(result)}\n`;
}

const FOR = {
  first: "There is no super admin yet. This token makes one",
  another: "No super admin could log in any more. This token makes another one",
  recovery:
    "This token sets a new password, takes every second factor and passkey away and ends every session",
} as const;

export function wayInWords({ kind, email, token }: WayIn, issuer: string): string {
  const address = email ?? "you@example.com";
  return `
${FOR[kind]}${email ? ` of ${email}` : ""}. It works once, within ${WAY_IN_MINUTES} minutes:

  ${token}

  curl -X POST ${issuer.replace(/\/$/, "")}/v1/platform/bootstrap -H 'content-type: application/json' \\
    -d '{"token":"${token}","email":"${address}","password":"…"}'

Nothing changes before that. Then log in, and set up a second factor at once. The audit log says that this was made
(platform.way_in_opened) and used. Running the command again voids this token.
`;
}

/** What will be done, before somebody agrees. */
export function planOf(ended: Ended, kept: Kept): string {
  return `This is for a database that was brought back to an older state. Everybody logs in again. It ends:\n${lines(ended, kept)}`;
}

export function restoredInWords({ done, at, seq, ended, head }: Restored, kept: Kept): string {
  const last = head ? `Last seal of the audit log, to be noted: ${head.seq}:${head.hash}\n` : "";
  if (!done)
    return `Nothing was done: this was done on ${at}, and nothing says that the database was brought back once more. If it was, by a copy of its files, say --again.\n${last}`;
  return `The database was brought back to seal ${seq} of the audit log, which says so. Ended:
${lines(ended, kept)}
Everything else is as it was then. Whoever was disabled, deleted or lost a role since then has to be once more; passwords,
factors and recovery codes that were changed or used since then are the older ones.
${last}`;
}

function lines(ended: Ended, { keepApiKeys }: Kept): string {
  const keys = keepApiKeys
    ? "API keys stay, also those that were revoked since then"
    : `${ended.apiKeys} API keys`;
  return [
    `${ended.sessions} sessions, with their refresh tokens`,
    "every signing key, and so every access token",
    `${ended.oneTimeTokens} links, codes and half-finished log-ins`,
    `the links of ${ended.invitations} open invitations, which can be sent again`,
    keys,
    `${ended.devices} known devices`,
    `${ended.mails} mails that waited to be sent`,
  ]
    .map((line) => `  ${line}`)
    .join("\n");
}
