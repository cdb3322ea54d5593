/** A rule stands in one file: what spells it is looked for in all of src. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";

const SRC = join(import.meta.dir, "..", "src");

const HOMES: [rule: string, spelling: RegExp, homes: string[]][] = [
  ["the lock under which roles are given", /LOCKS\.grants/, ["roles/held.ts"]],
  // One route asks for the permission, by which nothing but roles is changed.
  [
    "who may give roles",
    /"role:assign"/,
    ["roles/giving.ts", "roles/permissions.ts", "users/routes.ts"],
  ],
  ["which language a mail has", /origin\.language|\)\.locale\b/, ["mail/reader.ts"]],
  ["who asks for a mail", /send\("mail_request"/, ["mail/requests.ts"]],
  // Usage counts users by status, whatever their tenant is; update is what makes a tenant active.
  [
    "what makes an account live",
    /status (=|<>) 'active'|status: "active"/,
    // The second one asks for a list of them.
    ["db/live.ts", "operations/performance/targets.ts", "tenants/update.ts", "tenants/usage.ts"],
  ],
  ["which invitations are open", /acceptedAt: null|accepted_at IS NULL/, ["db/live.ts"]],
  // A log-in only sets it back.
  [
    "when an account is locked",
    /locked_until|lockedUntil: \{/,
    ["auth/guessing.ts", "auth/login/complete-login.ts"],
  ],
  [
    "which password is refused",
    /(?<!function )(isCommon|followsRow|isMadeOf)\(/,
    ["users/password-policy.ts"],
  ],
  [
    "what nobody does in another's name",
    /ApiError\(\s*"impersonation_forbidden"/,
    ["roles/in-person.ts"],
  ],
  // Of what these write no instance remembers anything; whatever else is written is a commit.
  [
    "what nothing follows",
    /[^.\w]transaction\(/,
    [
      "audit/archive.ts",
      "audit/seal.ts",
      "db/commit.ts",
      "operations/performance/targets.ts",
      "signing-keys/rotate.ts",
      "signing-keys/signing-keys.ts",
    ],
  ],
  ["what no machine does", /ApiError\(\s*"session_required"/, ["roles/in-person.ts"]],
];

const files = new Map<string, string>();
// An example decides nothing.
for (const file of new Glob("**/!(example-*).ts").scanSync(SRC))
  files.set(file, await Bun.file(join(SRC, file)).text());

test.each(HOMES)("%s has one home", (_, spelling, homes) => {
  const found = [...files].filter(([, text]) => spelling.test(text)).map(([file]) => file);
  expect(found.sort()).toEqual(homes);
});
