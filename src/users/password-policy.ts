/**
 * Which password is refused. What is compared with what is in password-patterns.ts, the list of the known ones in
 * password-blocklist.ts; how long one has to be is a setting (`leastPasswordLength` in tenant-settings/settings.ts).
 */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Config } from "../config.ts";
import { PASSWORD_MAX_LENGTH } from "../crypto/password.ts";
import { ValidationError } from "../errors.ts";
import { leastPasswordLength, readSettings } from "../tenant-settings/settings.ts";
import { isCommon } from "./password-blocklist.ts";
import { fold, followsRow, isMadeOf, lengthOfUnit } from "./password-patterns.ts";

/** Whose password it is: what others know of them is what they try first. */
export type PasswordOwner = {
  email: string;
  firstName?: string | null;
  lastName?: string | null;
  /** With its settings, where it has any yet: they may ask for more. */
  tenant: { name: string; slug: string; settings?: unknown } | null;
};

/** What is read of a user for it. */
export const ownerSelect = {
  email: true,
  firstName: true,
  lastName: true,
  tenant: { select: { name: true, slug: true, settings: true } },
} satisfies Prisma.UserSelect;

type Policy = Pick<
  Config,
  "passwordMinLength" | "passwordMinLengthWithMfa" | "mfa" | "productName"
>;

/**
 * Length is what counts, in code points of the normalised text, and that nobody guesses it early; no rules on what
 * characters it is made of (SP 800-63B-4, 3.1.1.2). @throws ValidationError that names `path`.
 */
export async function assertAcceptablePassword(
  policy: Policy,
  password: string,
  owner: PasswordOwner,
  path = "password",
): Promise<void> {
  const minLength = leastPasswordLength(policy, readSettings(owner.tenant?.settings));
  const folded = fold(password);
  const message =
    faultOfLength(password.normalize("NFC"), minLength) ??
    faultOfPattern(folded, minLength, [policy.productName, ...knownOf(owner)]) ??
    (await faultOfFame(folded, minLength));
  if (message) throw new ValidationError([{ path, message }]);
}

function faultOfLength(password: string, minLength: number): string | null {
  const { length } = [...password];
  if (length < minLength) return `Must have at least ${minLength} characters`;
  if (length > PASSWORD_MAX_LENGTH) return `May have at most ${PASSWORD_MAX_LENGTH} characters`;
  return null;
}

function faultOfPattern(folded: string, minLength: number, known: string[]): string | null {
  if (lengthOfUnit(folded) < minLength)
    return "Repeats the same few characters, which count only once: choose several unrelated words";
  if (followsRow(folded))
    return "Follows the keyboard, the alphabet or the digits: choose several unrelated words";
  if (isMadeOf(folded, known))
    return "Is made of a name or address that others know (the person's, the tenant's or this service's): add unrelated words";
  return null;
}

async function faultOfFame(folded: string, minLength: number): Promise<string | null> {
  return (await isCommon(folded, minLength))
    ? "Is on the list of passwords that attackers try first: choose several unrelated words"
    : null;
}

function knownOf({ email, firstName, lastName, tenant }: PasswordOwner): string[] {
  return [email, firstName ?? "", lastName ?? "", tenant?.name ?? "", tenant?.slug ?? ""];
}
