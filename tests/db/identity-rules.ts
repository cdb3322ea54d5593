/** The rules of one-time tokens, factors, API keys, signing keys and rate limits, as in rules.ts. */
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { IDS } from "./fixture.ts";
import { one, type Rule, text } from "./rules.ts";

const hashRule = (table: string, name: string, column: string): Rule => ({
  table,
  name,
  refused: one(column, ["'x'", "sha512('x')"]),
  accepted: one(column, ["sha256('y')"]),
});
const uniqueRule = (table: string, name: string, column: string): Rule => ({
  table,
  name,
  refused: one(column, ["sha256('taken')"]),
  accepted: one(column, ["sha256('free')"]),
});

export const IDENTITY_RULES: Rule[] = [
  {
    table: "users",
    name: "users_service_check",
    refused: [{ kind: "'service'" }, { email: "'x@service.invalid'" }],
    accepted: [{ kind: "'service'", email: "'x@service.invalid'" }, {}],
  },

  hashRule("one_time_tokens", "one_time_tokens_token_hash_check", "token_hash"),
  uniqueRule("one_time_tokens", "one_time_tokens_token_hash_key", "token_hash"),
  {
    table: "one_time_tokens",
    name: "one_time_tokens_code_hash_check",
    refused: [{ code_hash: "'x'", bound_to: `'${IDS.session}'` }],
    accepted: [{ code_hash: "sha256('x')", bound_to: `'${IDS.session}'` }],
  },
  hashRule("one_time_tokens", "one_time_tokens_challenge_hash_check", "challenge_hash"),
  uniqueRule("one_time_tokens", "one_time_tokens_challenge_hash_key", "challenge_hash"),
  {
    table: "one_time_tokens",
    name: "one_time_tokens_code_check",
    refused: [{ code_hash: "sha256('x')" }],
    accepted: [{ code_hash: "sha256('x')", challenge_hash: "sha256('y')" }],
  },
  {
    table: "one_time_tokens",
    name: "one_time_tokens_attempts_check",
    refused: one("attempts", ["-1", "11"]),
    accepted: one("attempts", ["0", "10"]),
  },
  {
    table: "one_time_tokens",
    name: "one_time_tokens_expiry_check",
    refused: one("expires_at", ["'2020-01-01'", "'2020-01-09'"]),
    accepted: one("expires_at", ["'2020-01-08'"]),
  },
  {
    table: "one_time_tokens",
    name: "one_time_tokens_user_check",
    refused: [{ user_id: "NULL" }],
    accepted: [
      { user_id: "NULL", purpose: "'register'" },
      { user_id: "NULL", purpose: "'passkey_login'" },
      { user_id: "NULL", purpose: "'bootstrap'" },
    ],
  },

  {
    table: "totp_factors",
    name: "totp_factors_one_confirmed",
    refused: [{ confirmed_at: "now()" }],
    accepted: [{}, { account_id: `'${IDS.free}'`, confirmed_at: "now()" }],
  },
  {
    table: "totp_factors",
    name: "totp_factors_last_step_check",
    refused: one("last_step", ["-1"]),
    accepted: one("last_step", ["59000000"]),
  },
  hashRule("recovery_codes", "recovery_codes_hash_check", "code_hash"),
  uniqueRule("recovery_codes", "recovery_codes_code_hash_key", "code_hash"),
  {
    table: "passkeys",
    name: "passkeys_credential_id_check",
    refused: one("credential_id", ["''", "convert_to(repeat('x', 1024), 'UTF8')"]),
    accepted: one("credential_id", ["'x'", "convert_to(repeat('x', 1023), 'UTF8')"]),
  },
  uniqueRule("passkeys", "passkeys_credential_id_key", "credential_id"),
  {
    table: "passkeys",
    name: "passkeys_user_handle_check",
    refused: one("user_handle", ["'x'", "convert_to(repeat('x', 65), 'UTF8')"]),
    accepted: one("user_handle", ["sha512('x')"]),
  },
  {
    table: "passkeys",
    name: "passkeys_sign_count_check",
    refused: one("sign_count", ["-1", "4294967296"]),
    accepted: one("sign_count", ["4294967295"]),
  },
  {
    table: "passkeys",
    name: "passkeys_name_check",
    refused: text("name", ["", " "]),
    accepted: text("name", ["Key"]),
  },
  {
    table: "passkeys",
    name: "passkeys_backup_check",
    refused: [{ backup_eligible: "false", backed_up: "true" }],
    accepted: [
      { backup_eligible: "true", backed_up: "true" },
      { backup_eligible: "true", backed_up: "false" },
    ],
  },

  hashRule("api_keys", "api_keys_hash_check", "key_hash"),
  uniqueRule("api_keys", "api_keys_key_hash_key", "key_hash"),
  {
    table: "api_keys",
    name: "api_keys_prefix_check",
    refused: text("prefix", ["", "tnk_", "tnk_ABCDEFGH", "key_abcdefgh", "tnk_abcdefghi"]),
    accepted: text("prefix", ["tnk_a1b2c3d4"]),
  },
  {
    table: "api_keys",
    name: "api_keys_name_check",
    refused: text("name", ["", " "]),
    accepted: text("name", ["Deploy"]),
  },
  {
    table: "api_keys",
    name: "api_keys_scopes_check",
    refused: one("scopes", ["'{}'"]),
    accepted: one("scopes", ["'{user:read}'"]),
  },
  {
    table: "api_keys",
    name: "api_keys_expiry_check",
    refused: one("expires_at", ["'2020-01-01'"]),
    accepted: one("expires_at", ["NULL", "'2020-01-02'"]),
  },

  {
    table: "signing_keys",
    name: "signing_keys_retired_check",
    refused: one("retired_at", ["'2019-01-01'"]),
    accepted: one("retired_at", ["NULL", "'2020-01-01'"]),
  },
  {
    table: "signing_keys",
    name: "signing_keys_algorithm_check",
    refused: text("algorithm", ["HS256", "none", "es256", "ES256K", ""]),
    accepted: text("algorithm", ["ES256", "EdDSA"]),
  },
  {
    table: "tenants",
    name: "tenants_seat_limit_check",
    refused: one("seat_limit", ["0", "-1"]),
    accepted: one("seat_limit", ["NULL", "1"]),
  },
  {
    table: "invitations",
    name: "invitations_email_check",
    refused: text("email", ["", "ada", "Ada@x.example", "a da@x.example"]),
    accepted: text("email", ["ada@x.example"]),
  },
  hashRule("invitations", "invitations_hash_check", "token_hash"),
  uniqueRule("invitations", "invitations_token_hash_key", "token_hash"),
  {
    table: "invitations",
    name: "invitations_roles_check",
    refused: one("role_ids", ["'{}'"]),
    accepted: one("role_ids", [`ARRAY['${IDS.role}']::uuid[]`]),
  },
  {
    table: "invitations",
    name: "invitations_expiry_check",
    refused: one("expires_at", ["'2020-01-01'"]),
    accepted: one("expires_at", ["'2020-01-09'"]),
  },
  {
    table: "invitations",
    name: "invitations_end_check",
    refused: [{ accepted_at: "now()", accepted_by: `'${IDS.user}'`, revoked_at: "now()" }],
    accepted: [{ revoked_at: "now()" }],
  },
  {
    table: "invitations",
    name: "invitations_accepted_check",
    refused: [{ accepted_at: "now()" }, { accepted_by: `'${IDS.user}'` }],
    accepted: [{ accepted_at: "now()", accepted_by: `'${IDS.user}'` }],
  },
  {
    table: "invitations",
    name: "invitations_one_pending",
    refused: [{ email: "'invited@x.example'" }],
    accepted: [
      {
        email: "'invited@x.example'",
        tenant_id: `'${IDS.gone}'`,
        role_ids: `ARRAY['${SYSTEM_ROLES.member}']::uuid[]`,
      },
      { email: "'invited@x.example'", revoked_at: "now()" },
    ],
  },

  hashRule("idempotency_keys", "idempotency_keys_hash_check", "request_hash"),
  {
    table: "idempotency_keys",
    name: "idempotency_keys_answer_check",
    refused: [{ status: "201" }, { response: "'x'" }],
    accepted: [{ status: "201", response: "'x'" }],
  },
  {
    table: "idempotency_keys",
    name: "idempotency_keys_key_check",
    refused: text("key", [""]),
    accepted: text("key", ["x"]),
  },
  {
    table: "idempotency_keys",
    name: "idempotency_keys_expiry_check",
    refused: one("expires_at", ["'2020-01-01'"]),
    accepted: one("expires_at", ["'2020-01-02'"]),
  },
  {
    table: "idempotency_keys",
    name: "idempotency_keys_user_id_route_key_key",
    refused: [{ key: "'taken'" }],
    accepted: [{ key: "'taken'", user_id: `'${IDS.deleted}'`, tenant_id: "NULL" }],
  },
  {
    table: "idempotency_keys",
    name: "idempotency_keys_caller_check",
    refused: [{ user_id: "NULL" }],
    accepted: [{ user_id: "NULL", tenant_id: "NULL" }],
  },
  {
    table: "idempotency_keys",
    name: "idempotency_keys_anonymous_key",
    refused: [{ key: "'nobodys'", user_id: "NULL", tenant_id: "NULL" }],
    accepted: [{ key: "'another'", user_id: "NULL", tenant_id: "NULL" }],
  },

  {
    table: "rate_limits",
    name: "rate_limits_points_check",
    refused: one("points", ["-1"]),
    accepted: one("points", ["0"]),
  },
];
