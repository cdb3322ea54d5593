/** The hand-written rules of migrations-sql/, each with rows that it must refuse and rows that it must let in. */

import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { IDS } from "./fixture.ts";

const SUPER_ADMIN = `'${SYSTEM_ROLES.super_admin}'`;
const IN_TENANT = { tenant_id: `'${IDS.tenant}'` };

type Change = Record<string, string>;
export type Rule = { table: string; name: string; refused: Change[]; accepted: Change[] };

export const one = (column: string, values: string[]): Change[] =>
  values.map((value) => ({ [column]: value }));
export const text = (column: string, values: string[]) =>
  one(
    column,
    values.map((value) => `E'${value}'`),
  );

export const RULES: Rule[] = [
  {
    table: "tenants",
    name: "tenants_soft_delete_check",
    refused: [{ is_deleted: "true" }, { deleted_at: "now()" }],
    accepted: [{ is_deleted: "true", deleted_at: "now()" }],
  },
  {
    table: "tenants",
    name: "tenants_slug_check",
    refused: text("slug", ["a", "-ab", "ab-", "Ab", "a_b", "a b", "ä-b", "ab\\n", ""]),
    accepted: text("slug", ["ab", "a-b", "0-9", "a--b"]),
  },
  {
    table: "tenants",
    name: "tenants_name_check",
    refused: text("name", ["", "   "]),
    accepted: text("name", ["x"]),
  },
  {
    table: "tenants",
    name: "tenants_settings_check",
    refused: one("settings", ["'[]'", "'1'", "'null'"]),
    accepted: one("settings", ["'{\"a\": []}'"]),
  },
  {
    table: "tenants",
    name: "tenants_version_check",
    refused: one("version", ["0", "-1"]),
    accepted: one("version", ["1"]),
  },
  {
    table: "tenants",
    name: "tenants_slug_key",
    refused: text("slug", ["tenant", "gone"]),
    accepted: text("slug", ["tenant2"]),
  },

  {
    table: "users",
    name: "users_soft_delete_check",
    refused: [{ is_deleted: "true" }, { deleted_at: "now()" }],
    accepted: [{ is_deleted: "true", deleted_at: "now()" }],
  },
  {
    table: "users",
    name: "users_email_lower_check",
    refused: text("email", ["Ada@x.example", "ada@X.example"]),
    accepted: text("email", ["ada@x.example"]),
  },
  {
    table: "users",
    name: "users_email_format_check",
    refused: text("email", [
      "",
      "ada",
      "@x.example",
      "ada@x",
      "ada@x.e",
      "ada@@x.example",
      "a da@x.example",
      "ada@x.example\\n",
      `${"a".repeat(65)}@x.example`,
    ]),
    accepted: text("email", [`${"a".repeat(64)}@x.example`, "a+b''c@sub.x-y.example"]),
  },
  {
    table: "users",
    name: "users_pending_email_lower_check",
    refused: text("pending_email", ["Ada@x.example", "ada@X.example"]),
    accepted: text("pending_email", ["ada@x.example"]),
  },
  {
    table: "users",
    name: "users_pending_email_format_check",
    refused: text("pending_email", ["", "ada", "ada@x", "a da@x.example", "ada@x.example\\n"]),
    accepted: one("pending_email", ["NULL", "'a+b@sub.x-y.example'"]),
  },
  {
    table: "users",
    name: "users_pending_email_check",
    refused: [
      { pending_email: "'fresh@x.example'" },
      { pending_email: "'new@x.example'", is_deleted: "true", deleted_at: "now()" },
      { pending_email: "'new@x.example'", kind: "'service'", email: "'x@service.invalid'" },
    ],
    accepted: [
      { pending_email: "'new@x.example'" },
      { kind: "'service'", email: "'x@service.invalid'" },
    ],
  },
  {
    table: "users",
    name: "users_email_scope_check",
    refused: [
      { email_scope: `'${IDS.gone}'` },
      { email_scope: `'${IDS.tenant}'`, tenant_id: "NULL" },
    ],
    accepted: [{ email_scope: `'${IDS.tenant}'` }, { email_scope: "NULL" }],
  },
  {
    table: "users",
    name: "users_first_name_check",
    refused: text("first_name", ["", " "]),
    accepted: one("first_name", ["NULL", "'A'"]),
  },
  {
    table: "users",
    name: "users_last_name_check",
    refused: text("last_name", ["", " "]),
    accepted: one("last_name", ["NULL", "'A'"]),
  },
  {
    table: "users",
    name: "users_login_attempts_check",
    refused: one("login_attempts", ["-1", "1001"]),
    accepted: one("login_attempts", ["0", "1000"]),
  },
  {
    table: "users",
    name: "users_locked_until_check",
    refused: [{ created_at: "'2020-01-02'", locked_until: "'2020-01-01'" }],
    accepted: [{ created_at: "'2020-01-01'", locked_until: "'2020-01-02'" }],
  },
  {
    table: "users",
    name: "users_version_check",
    refused: one("version", ["0"]),
    accepted: one("version", ["1"]),
  },
  {
    table: "users",
    name: "users_live_email",
    // Taken in the global scope, by a user of a tenant and for a platform account alike: NULLS NOT DISTINCT.
    refused: [
      { email: "'taken@x.example'" },
      { email: "'taken@x.example'", tenant_id: "NULL" },
      { email: "'scoped@x.example'", email_scope: `'${IDS.tenant}'` },
    ],
    accepted: [
      // Of another tenant.
      { email: "'taken@x.example'", tenant_id: `'${IDS.gone}'`, email_scope: `'${IDS.gone}'` },
      { email: "'scoped@x.example'", tenant_id: `'${IDS.gone}'` },
      { email: "'deleted@x.example'" },
      { email: "'taken@x.example'", is_deleted: "true", deleted_at: "now()" },
    ],
  },
  {
    table: "users",
    name: "users_tenant_email",
    // In one tenant neither scope makes room for the other.
    refused: [
      { email: "'taken@x.example'", ...IN_TENANT, email_scope: `'${IDS.tenant}'` },
      { email: "'scoped@x.example'", ...IN_TENANT },
    ],
    accepted: [
      { email: "'taken@x.example'", tenant_id: `'${IDS.gone}'`, email_scope: `'${IDS.gone}'` },
      { email: "'scoped@x.example'", tenant_id: "NULL" },
      { email: "'scoped@x.example'", ...IN_TENANT, is_deleted: "true", deleted_at: "now()" },
    ],
  },

  {
    table: "user_profiles",
    name: "user_profiles_phone_check",
    refused: text("phone", ["0301234567", "+0301234567", "+49301", "+49 30 12345"]),
    accepted: text("phone", ["+4930123456"]),
  },
  {
    table: "user_profiles",
    name: "user_profiles_avatar_url_check",
    refused: text("avatar_url", ["http://x.example", "javascript:alert(1)", "HTTPS://x.example"]),
    accepted: text("avatar_url", ["https://x.example/a.png"]),
  },
  {
    table: "user_profiles",
    name: "user_profiles_timezone_check",
    refused: text("timezone", ["", " "]),
    accepted: text("timezone", ["Europe/Berlin"]),
  },
  {
    table: "user_profiles",
    name: "user_profiles_language_check",
    refused: text("language", ["", "DE", "german", "de_DE", "de-"]),
    accepted: text("language", ["de", "pt-BR", "zh-Hant-TW"]),
  },
  {
    table: "user_profiles",
    name: "user_profiles_preferences_check",
    refused: one("preferences", ["'[]'", "'\"x\"'"]),
    accepted: one("preferences", ["'{}'"]),
  },

  {
    table: "roles",
    name: "roles_name_check",
    refused: text("name", ["", "Upper", "1st", "a-b", "a b"]),
    accepted: text("name", ["a_1"]),
  },
  {
    table: "roles",
    name: "roles_tenant_name",
    refused: [{ name: "'taken'" }],
    accepted: [
      { name: "'taken'", tenant_id: `'${IDS.gone}'` },
      { name: "'taken'", tenant_id: "NULL" },
    ],
  },
  {
    table: "roles",
    name: "roles_system_name",
    refused: [{ name: "'owner'", tenant_id: "NULL" }],
    accepted: [{ name: "'owner'" }],
  },
  {
    table: "user_roles",
    name: "user_roles_super_admin_check",
    refused: [{ role_id: SUPER_ADMIN }],
    accepted: [{ user_id: `'${IDS.deleted}'`, role_id: SUPER_ADMIN, tenant_id: "NULL" }],
  },
  {
    table: "permissions",
    name: "permissions_key_check",
    refused: text("key", ["", "user:", "User:read", "tenantry:user:read", "a:b:c:d"]),
    accepted: text("key", ["user_x:read_all", "user:read:all"]),
  },

  {
    table: "sessions",
    name: "sessions_expiry_check",
    refused: [
      { idle_expires_at: "'2020-01-04'" },
      { idle_expires_at: "'2020-01-01'" },
      { expires_at: "'2019-01-01'", idle_expires_at: "'2019-01-01'" },
    ],
    accepted: [{ idle_expires_at: "'2020-01-03'" }],
  },
  {
    table: "sessions",
    name: "sessions_revoked_check",
    refused: [{ revoked_at: "now()" }, { revoked_reason: "'logout'" }],
    accepted: [{ revoked_at: "now()", revoked_reason: "'logout'" }],
  },
  {
    table: "sessions",
    name: "sessions_amr_check",
    refused: one("amr", ["'{}'"]),
    accepted: one("amr", ["'{pwd,otp}'"]),
  },
  {
    table: "refresh_tokens",
    name: "refresh_tokens_hash_check",
    refused: one("token_hash", ["'x'", "sha512('x')"]),
    accepted: one("token_hash", ["sha256('y')"]),
  },
  {
    table: "refresh_tokens",
    name: "refresh_tokens_expiry_check",
    refused: one("expires_at", ["'2020-01-01'"]),
    accepted: one("expires_at", ["'2020-01-05'"]),
  },
  {
    table: "refresh_tokens",
    name: "refresh_tokens_token_hash_key",
    refused: [{ token_hash: "sha256('used')" }],
    accepted: [{ token_hash: "sha256('z')" }],
  },
  {
    table: "refresh_tokens",
    name: "refresh_tokens_one_unused",
    // The session has a used token; the first unused one is let in, and its twin is not.
    refused: [{ session_id: `'${IDS.session.replace("c1", "c2")}'` }],
    accepted: [{}, { session_id: `'${IDS.session.replace("c1", "c2")}'`, used_at: "now()" }],
  },
];
