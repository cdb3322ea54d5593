/** What the OpenAPI document shows of every named schema that is sent. The API takes each as it stands. */
import { EMAIL, NAMES, PASSKEY, PASSWORD, PROFILE, TENANT_ID, TOKEN } from "./example-answers.ts";

/** No more than what it looks like: base64url. */
const BYTES = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiIn0";
const CREDENTIAL = { id: "q7Zk3VtY9w", rawId: "q7Zk3VtY9w", type: "public-key" };
const ASSERTION = {
  ...CREDENTIAL,
  response: { clientDataJSON: BYTES, authenticatorData: BYTES, signature: BYTES },
};
const REGISTRATION = {
  ...CREDENTIAL,
  response: { clientDataJSON: BYTES, attestationObject: BYTES, transports: ["internal"] },
};
const MAILED = { challengeId: TOKEN, code: "480213" };

export const INPUTS = {
  PasskeyAssertion: ASSERTION,
  PasskeyRegistration: REGISTRATION,
  AcceptInvitationInput: { token: TOKEN, password: PASSWORD, ...NAMES },
  AddressInput: { email: EMAIL },
  AssignRolesInput: { roles: ["member"] },
  BootstrapInput: { token: TOKEN, email: "root@lovelace.example", password: PASSWORD },
  BulkInput: {
    operation: "create",
    items: [{ email: "charles@lovelace.example", roles: ["member"] }],
    atomic: false,
  },
  ChangeByLinkInput: { token: TOKEN },
  ChangeEmailInput: { email: "countess@lovelace.example" },
  ChangePermissionInput: { description: "Approve invoices of any sum", heldFrom: "owner" },
  ChangePasswordInput: { currentPassword: PASSWORD, newPassword: "analytical engine no. 1" },
  CheckInput: { permissions: ["user:read"] },
  CompleteRegistrationInput: MAILED,
  ConfirmTotpInput: { code: "480213" },
  CreateApiKeyInput: { name: "Nightly report", scopes: ["user:read"], expiresInDays: 90 },
  CreateInvitationInput: { email: "charles@lovelace.example", roles: ["member"] },
  CreateRoleInput: {
    name: "support",
    description: "Helps people who cannot log in",
    permissions: ["session:read", "user:read"],
  },
  CreateServiceAccountInput: { name: "Nightly report", roles: ["member"] },
  CreateTenantInput: { name: "Lovelace Ltd", slug: "lovelace" },
  CreateUserInput: { email: "charles@lovelace.example", firstName: "Charles", roles: ["member"] },
  DeclarePermissionInput: {
    key: "acme:invoice:approve",
    description: "Approve invoices",
    heldFrom: "admin",
  },
  EraseInput: { email: "charles@lovelace.example" },
  ImpersonateInput: { reason: "Ticket 4711: the list of users stays empty" },
  InvitationTokenInput: { token: TOKEN },
  LoginInput: { email: EMAIL, password: PASSWORD },
  LogoutInput: { refreshToken: TOKEN },
  MagicLinkInput: MAILED,
  MfaTokenInput: { mfaToken: TOKEN },
  OwnTenantInput: { name: "Lovelace & Daughters", slug: "daughters" },
  PasskeyLoginInput: { response: ASSERTION },
  MoveUserPoolInput: { userPool: "isolated", dryRun: true },
  PurgeTenantInput: { slug: "lovelace" },
  ReauthenticateInput: { password: PASSWORD },
  RefreshInput: { refreshToken: TOKEN },
  RegisterInput: {
    email: EMAIL,
    password: PASSWORD,
    ...NAMES,
    tenant: { name: "Lovelace Ltd", slug: "lovelace" },
  },
  RegisterPasskeyInput: { name: PASSKEY.name, response: REGISTRATION },
  RenamePasskeyInput: { name: PASSKEY.name },
  ResetPasswordInput: { token: TOKEN, newPassword: PASSWORD },
  SelectTenantInput: { selectionToken: TOKEN, tenantId: TENANT_ID },
  UnlockInput: { token: TOKEN },
  RestoreAccountInput: { token: TOKEN },
  UpdateProfileInput: {
    phone: PROFILE.phone,
    timezone: PROFILE.timezone,
    language: PROFILE.language,
  },
  UpdateRoleInput: { permissions: ["user:read"] },
  UpdateServiceAccountInput: { status: "disabled" },
  UpdateTenantInput: { name: "Lovelace & Daughters", settings: { mfaRequired: true } },
  UpdateUserInput: { firstName: "Ada", status: "active" },
  VerifyEmailInput: { code: "480213" },
  VerifyMfaInput: { mfaToken: TOKEN, method: "totp", code: "480213" },
};
