/** All tours, by what they are of: together they call every operation. */
import { tour as apiKeys } from "./tours/api-keys.ts";
import { tour as audit } from "./tours/audit.ts";
import { tour as auth } from "./tours/auth.ts";
import { tour as email } from "./tours/email.ts";
import { tour as factors } from "./tours/factors.ts";
import { tour as invitations } from "./tours/invitations.ts";
import { tour as platform } from "./tours/platform.ts";
import { tour as roles } from "./tours/roles.ts";
import { tour as tenants } from "./tours/tenants.ts";
import { tour as users } from "./tours/users.ts";

export const TOURS = {
  audit,
  auth,
  email,
  factors,
  users,
  tenants,
  invitations,
  "API keys": apiKeys,
  roles,
  platform,
};
