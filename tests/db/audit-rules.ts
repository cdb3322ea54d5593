/** The rules of the audit log, its seals and its archives, as in rules.ts. */
import { IDS } from "./fixture.ts";
import { one, type Rule, text } from "./rules.ts";

export const AUDIT_RULES: Rule[] = [
  {
    table: "audit_log",
    name: "audit_log_action_check",
    refused: text("action", ["", "done", "Test.done", "test.", "test done.x"]),
    accepted: text("action", ["test.done", "a_b.c.d"]),
  },
  {
    table: "audit_log",
    name: "audit_log_resource_type_check",
    refused: text("resource_type", ["", "User", "a b"]),
    accepted: text("resource_type", ["user_role"]),
  },
  {
    table: "audit_log",
    name: "audit_log_details_check",
    refused: one("details", ["'[]'", "'null'"]),
    accepted: one("details", ["'{}'"]),
  },
  {
    table: "audit_seals",
    name: "audit_seals_seq_check",
    refused: one("seq", ["0", "-1"]),
    accepted: one("seq", ["2"]),
  },
  {
    table: "audit_seals",
    name: "audit_seals_digest_check",
    refused: one("digest", ["''", "'x'"]),
    accepted: one("digest", ["sha256('other')"]),
  },
  {
    table: "audit_seals",
    name: "audit_seals_hash_check",
    refused: one("hash", ["''", "'x'"]),
    accepted: one("hash", ["sha256('other')"]),
  },
  {
    table: "audit_seals",
    name: "audit_seals_key_id_check",
    refused: one("key_id", ["''", "sha256('x')"]),
    accepted: one("key_id", ["NULL", "substring(sha256('x'), 1, 8)"]),
  },
  {
    table: "audit_keys",
    name: "audit_keys_id_check",
    refused: one("id", ["''", "sha256('x')"]),
    accepted: one("id", ["substring(sha256('other'), 1, 8)"]),
  },
  {
    table: "audit_seals",
    name: "audit_seals_created_at_audit_id_key",
    refused: [{ audit_id: `'${IDS.user}'` }],
    accepted: [{ audit_id: `'${IDS.user}'`, created_at: "'2020-01-02'" }],
  },
  {
    table: "audit_archives",
    name: "audit_archives_month_check",
    refused: text("month", ["", "2020", "2020-00", "2020-13", "20-01"]),
    accepted: text("month", ["2020-12"]),
  },
  {
    table: "audit_archives",
    name: "audit_archives_row_count_check",
    refused: one("row_count", ["-1"]),
    accepted: one("row_count", ["0"]),
  },
  {
    table: "audit_archives",
    name: "audit_archives_sha256_check",
    refused: one("sha256", ["''", "'x'"]),
    accepted: one("sha256", ["sha256('other')"]),
  },
  {
    table: "audit_archives",
    name: "audit_archives_mac_check",
    refused: one("mac", ["''", "'x'"]),
    accepted: one("mac", ["sha256('other')"]),
  },
];
