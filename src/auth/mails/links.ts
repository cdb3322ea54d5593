import type { Context } from "../../context.ts";

/** Where the web application receives the tokens of mails, below APP_URL. */
export const PATHS = {
  verify_email: "verify-email",
  change_email: "verify-email",
  register: "complete-registration",
  magic_link: "magic-link",
  reset_password: "reset-password",
  unlock: "unlock",
  invitation: "accept-invitation",
  join_tenant: "accept-invitation",
  restore_account: "restore-account",
} as const;

/** The token stands after the #: browsers send that to no server, so no log and no referrer has it. */
export function linkFor(
  { config }: Pick<Context, "config">,
  purpose: keyof typeof PATHS,
  token: string,
): string {
  return `${config.appUrl.replace(/\/$/, "")}/${PATHS[purpose]}#token=${token}`;
}
