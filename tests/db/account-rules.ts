/** The hand-written rules of accounts and users, as those of rules.ts. */
import { IDS } from "./fixture.ts";
import { one, type Rule, text } from "./rules.ts";

const GONE = { is_deleted: "true", deleted_at: "now()" };
const ENDED = { ...GONE, ended_at: "now()" };

export const ACCOUNT_RULES: Rule[] = [
  ...addressRules("accounts"),
  {
    table: "accounts",
    name: "accounts_login_attempts_check",
    refused: one("login_attempts", ["-1", "1001"]),
    accepted: one("login_attempts", ["0", "1000"]),
  },
  {
    table: "accounts",
    name: "accounts_locked_until_check",
    refused: [{ created_at: "'2020-01-02'", locked_until: "'2020-01-01'" }],
    accepted: [{ created_at: "'2020-01-01'", locked_until: "'2020-01-02'" }],
  },
  {
    table: "accounts",
    name: "accounts_soft_delete_check",
    refused: [{ is_deleted: "true" }, { deleted_at: "now()" }],
    accepted: [{ is_deleted: "true", deleted_at: "now()" }],
  },
  {
    table: "accounts",
    name: "accounts_ended_check",
    refused: [{ ended_at: "now()" }],
    accepted: [ENDED],
  },
  {
    table: "accounts",
    name: "accounts_undo_hash_check",
    refused: [
      { ...ENDED, undo_hash: "'\\x00'" },
      { ...GONE, undo_hash: "sha256('x')" },
    ],
    accepted: [{ ...ENDED, undo_hash: "sha256('x')" }, ENDED],
  },
  {
    table: "accounts",
    name: "accounts_pending_email_check",
    refused: [
      { pending_email: "'fresh@x.example'" },
      { pending_email: "'new@x.example'", is_deleted: "true", deleted_at: "now()" },
    ],
    accepted: [{ pending_email: "'new@x.example'" }],
  },
  {
    table: "accounts",
    name: "accounts_live_email",
    // The shared pool is one: NULLS NOT DISTINCT.
    refused: [{ email: "'taken@x.example'", pool_id: "NULL" }, { email: "'taken@x.example'" }],
    accepted: [
      { email: "'taken@x.example'", pool_id: `'${IDS.gone}'` },
      { email: "'deleted@x.example'", pool_id: "NULL" },
      { email: "'taken@x.example'", is_deleted: "true", deleted_at: "now()" },
    ],
  },

  {
    table: "users",
    name: "users_soft_delete_check",
    refused: [{ is_deleted: "false", account_id: `'${IDS.free}'` }, { deleted_at: "NULL" }],
    accepted: [{}],
  },
  {
    table: "users",
    name: "users_account_check",
    refused: [
      { is_deleted: "false", deleted_at: "NULL" },
      { kind: "'service'", email: "'x@service.invalid'", account_id: `'${IDS.free}'` },
    ],
    accepted: [
      { account_id: `'${IDS.free}'`, is_deleted: "false", deleted_at: "NULL" },
      { kind: "'service'", email: "'x@service.invalid'", is_deleted: "false", deleted_at: "NULL" },
    ],
  },
  {
    table: "users",
    name: "users_tenant_email",
    // Whatever the pool.
    refused: [{ account_id: `'${IDS.added}'`, is_deleted: "false", deleted_at: "NULL" }],
    accepted: [
      { account_id: `'${IDS.free}'`, is_deleted: "false", deleted_at: "NULL" },
      { account_id: `'${IDS.added}'` },
    ],
  },
  {
    table: "users",
    name: "users_one_membership",
    refused: [{ account_id: `'${IDS.renamed}'`, is_deleted: "false", deleted_at: "NULL" }],
    accepted: [
      {
        account_id: `'${IDS.renamed}'`,
        tenant_id: `'${IDS.gone}'`,
        is_deleted: "false",
        deleted_at: "NULL",
      },
      { account_id: `'${IDS.renamed}'` },
    ],
  },
  ...addressRules("users"),
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
    name: "users_version_check",
    refused: one("version", ["0"]),
    accepted: one("version", ["1"]),
  },
];

/** An account has its address, and its users a copy of it: both are held to one rule. */
function addressRules(table: "accounts" | "users"): Rule[] {
  return [
    {
      table,
      name: `${table}_email_lower_check`,
      refused: text("email", ["Ada@x.example", "ada@X.example"]),
      accepted: text("email", ["ada@x.example"]),
    },
    {
      table,
      name: `${table}_email_format_check`,
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
      table,
      name: `${table}_pending_email_lower_check`,
      refused: text("pending_email", ["Ada@x.example", "ada@X.example"]),
      accepted: text("pending_email", ["ada@x.example"]),
    },
    {
      table,
      name: `${table}_pending_email_format_check`,
      refused: text("pending_email", ["", "ada", "ada@x", "a da@x.example", "ada@x.example\\n"]),
      accepted: one("pending_email", ["NULL", "'a+b@sub.x-y.example'"]),
    },
  ];
}
