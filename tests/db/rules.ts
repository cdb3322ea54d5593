/** The hand-written rules of migrations-sql/, each with rows that it must refuse and rows that it must let in. */

import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { IDS } from "./fixture.ts";

const SUPER_ADMIN = `'${SYSTEM_ROLES.super_admin}'`;

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
    table: "user_search",
    name: "user_search_text_check",
    refused: text("text", ["", "ada"]),
    accepted: text("text", [" ", " ada"]),
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
    table: "session_users",
    name: "session_users_revoked_check",
    refused: [{ revoked_at: "now()" }, { revoked_reason: "'logout'" }],
    accepted: [{ revoked_at: "now()", revoked_reason: "'logout'" }],
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
