/** Imports as spreadsheets save them and as people type them; and exports that come back. */
import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, logIn, randomName, registerOwner, testApp } from "../support/app.ts";
import { type ImportBody, type ImportOptions, lines, NDJSON, sendImport } from "./imports.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const send = (body: ImportBody, options?: ImportOptions) => sendImport(app, owner, body, options);
const found = (email: string) =>
  app.deps.db.user.findFirstOrThrow({
    where: { email, isDeleted: false },
    include: { roles: { select: { role: { select: { name: true } } } } },
  });

/**
 * Made of one sheet by LibreOffice 7.4: opened, and saved again with other separators and encodings, by
 * `--convert-to "csv:Text - txt - csv (StarCalc):59,34,76"` and the like.
 */
async function saved(name: string, domain: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = Buffer.from(
    await Bun.file(new URL(`./spreadsheets/${name}.csv`, import.meta.url)).bytes(),
  );
  const encoding = name === "utf16" ? "utf16le" : name === "latin1" ? "latin1" : "utf8";
  const text = file.toString(encoding).replaceAll("sheet.example", domain);
  return new Uint8Array(Buffer.from(text, encoding));
}

describe("a sheet that LibreOffice saved", () => {
  test.each(["comma", "semicolon", "tab", "quoted", "utf16"])("%s", async (name) => {
    const domain = `${randomName()}.example`;
    const { status, body } = await send(await saved(name, domain));
    expect([status, body]).toEqual([
      200,
      { dryRun: false, rows: 3, created: 3, failed: 0, unproved: 2, errors: [] },
    ]);
    const zoe = await found(`zoe@${domain}`);
    expect(zoe).toMatchObject({ firstName: "Zoë", lastName: "O'Neill, Jr." });
    expect(zoe.roles.map(({ role }) => role.name).sort()).toEqual(["admin", "auditor"]);
    expect(await found(`bob@${domain}`)).toMatchObject({ lastName: "Ōe;Kenzaburō" });
    expect(await found(`eva@${domain}`)).toMatchObject({ firstName: "=1+1", lastName: "平野" });
    for (const person of ["zoe", "bob", "eva"]) await logIn(app, `${person}@${domain}`);
  });

  test("in another encoding, or as the workbook itself: refused, with what to do", async () => {
    for (const body of [
      await saved("latin1", "x.example"),
      new Uint8Array(Buffer.from("PK\x03\x04\x14\x00", "latin1")),
      new Uint8Array(Buffer.from("\xd0\xcf\x11\xe0\xa1\xb1", "latin1")),
    ]) {
      const answer = await send(body, { type: "application/vnd.ms-excel" });
      expect([answer.status, answer.body.code]).toEqual([400, "malformed_body"]);
      expect(answer.body.detail).toContain("CSV UTF-8");
    }
  });
});

test.each([
  "Email",
  " email ",
  "E-mail",
  "E-Mail",
  "e_mail",
  "EMAIL ADDRESS",
  "\ufeffemail",
  '"email"',
  "\ufeff\ufeffEmail\u00a0",
])("the header %p is the address", async (header) => {
  const email = `${randomName()}@x.example`;
  expect((await send(`${header}\r\n${email}\r\n`)).body).toMatchObject({ created: 1, failed: 0 });
  await found(email);
});

test("names of columns in any case and spelling, with spaces around them and around values", async () => {
  const domain = `${randomName()}.example`;
  for (const [n, header] of [
    " First Name , LAST_NAME,email, Roles ",
    "firstname,last-name,E-Mail,role",
    "FirstName,Last name,e mail,ROLES",
  ].entries()) {
    const { body } = await send(
      `${header}\n  Ada\t, Byron ,  a${n}@${domain} , admin ; auditor \n`,
    );
    expect(body).toMatchObject({ created: 1, failed: 0 });
    const user = await found(`a${n}@${domain}`);
    expect(user).toMatchObject({ firstName: "Ada", lastName: "Byron" });
    expect(user.roles).toHaveLength(2);
  }
});

test.each([
  "text/csv",
  "Text/CSV; Charset=UTF-8",
  "text/csv; header=present",
  'text/csv;charset="utf-8";header=present',
  "text/csv; charset=utf8; header=present",
  "application/csv",
  "application/vnd.ms-excel",
  "application/vnd.ms-excel; charset=utf-8",
  "text/comma-separated-values",
  "text/tab-separated-values",
])("the type %s is taken for CSV", async (type) => {
  expect((await send(`email\n${randomName()}@x.example\n`, { type })).body.created).toBe(1);
});

test.each([
  NDJSON,
  "application/ndjson",
  "application/jsonl; charset=utf-8",
  "application/x-jsonlines",
  "application/jsonlines",
])("the type %s is taken for JSON a line", async (type) => {
  expect((await send(lines({ email: `${randomName()}@x.example` }), { type })).body.created).toBe(
    1,
  );
});

test("CSV without a header line, in another charset or compressed is 415", async () => {
  for (const type of [
    "text/csv; header=absent",
    "text/csv; charset=windows-1252",
    "application/xlsx",
    "text/csv; charset=utf-8; charset=utf-16",
  ])
    expect([type, (await send("email\n", { type })).status]).toEqual([type, 415]);
});

test("truth is written in many ways, and anything else is a fault of its row", async () => {
  const yes = ["TRUE", "true", "True", "1", "yes", "YES", "y", " true ", "WAHR", "vrai"];
  const no = ["FALSE", "false", "0", "no", "N", "", "FALSCH", "faux"];
  const rows = (words: string[]) => words.map((word) => `${randomName()}@x.example,${word}`);
  const text = (words: string[]) => ["email,emailVerified", ...rows(words)].join("\n");
  expect((await send(text(yes))).body).toMatchObject({ created: 10, unproved: 10, failed: 0 });
  expect((await send(text(no))).body).toMatchObject({ created: 8, unproved: 0, failed: 0 });
  const others = ["t", "ja", "sí", "WAAR", "PRAWDA", "ИСТИНА", "ΑΛΗΘΕΣ", "DOĞRU", "IGAZ", "真"];
  expect((await send(text(others))).body).toMatchObject({ created: 10, unproved: 10, failed: 0 });
  const untrue = ["f", "nein", "FAŁSZ", "ЛОЖЬ", "ΨΕΥΔΕΣ", "YANLIŞ", "HAMIS", "假"];
  expect((await send(text(untrue))).body).toMatchObject({ created: 8, unproved: 0, failed: 0 });
  const { body } = await send(text(["maybe", "2", "constructor"]));
  expect(body).toMatchObject({ created: 0, failed: 3 });
  expect(body.errors[0]).toEqual({
    line: 2,
    field: "emailVerified",
    message: "Must be true or false",
  });
});

test("what Excel for Macintosh saves: every line ends with a carriage return", async () => {
  const [a, b] = [randomName(), randomName()];
  const text = `email;First name\r${a}@x.example;"Ada\tB"\r${b}@x.example;"Eve"\r`;
  expect((await send(text)).body).toMatchObject({ rows: 2, created: 1, failed: 1 });
  expect(await found(`${b}@x.example`)).toMatchObject({ firstName: "Eve" });
});

test("empty cells at the end of a row may be left out, as Excel does; one too many is a fault", async () => {
  const [a, b, c] = [randomName(), randomName(), randomName()];
  const text = `email,First name,Last name\n${a}@x.example\n${b}@x.example,Eve\n${c}@x.example,E,V,X\n`;
  const { body } = await send(text);
  expect(body).toMatchObject({ rows: 3, created: 2, failed: 1 });
  expect(body.errors[0].line).toBe(4);
  expect(await found(`${b}@x.example`)).toMatchObject({ firstName: "Eve", lastName: null });
});

test("spaces after the commas, quotes or none, and a role that the spreadsheet began with a capital", async () => {
  const a = randomName();
  const text = `"email", "First name", "Roles"\n"${a}@x.example", "Ada, B" , "Admin; Auditor"\n`;
  expect((await send(text)).body).toMatchObject({ created: 1, failed: 0 });
  const user = await found(`${a}@x.example`);
  expect(user).toMatchObject({ firstName: "Ada, B" });
  expect(user.roles.map(({ role }) => role.name).sort()).toEqual(["admin", "auditor"]);
});

test("JSON a line may have the keys of other systems, and null for what there is none of", async () => {
  const [a, b, c, d] = [randomName(), randomName(), randomName(), randomName()];
  const { body } = await send(
    lines(
      { email: `${a}@x.example`, email_verified: true, given_name: "Ada", family_name: null },
      {
        Email: `${b}@x.example`,
        roles: null,
        emailVerified: null,
        status: null,
        passwordHash: null,
      },
      { email: `${c}@x.example`, firstName: "A", first_name: "B" },
      { email: `${d}@x.example`, nickname: "A" },
    ),
    { type: NDJSON },
  );
  expect(body).toMatchObject({ created: 2, failed: 2, unproved: 1 });
  expect(body.errors).toEqual([
    { line: 3, field: "", message: 'Names a field twice: "first_name"' },
    { line: 4, field: "nickname", message: "Unknown field" },
  ]);
  expect(await found(`${a}@x.example`)).toMatchObject({ firstName: "Ada", lastName: null });
});

test("what spreadsheets add is left out: `sep=;`, empty rows, empty columns", async () => {
  const [a, b] = [randomName(), randomName()];
  const text = `sep=;\r\nemail;First name;;\r\n${a}@x.example;Ada;;\r\n;;;\r\n${b}@x.example;;;\r\n;;;\r\n`;
  expect((await send(text)).body).toMatchObject({ rows: 2, created: 2, failed: 0 });
  expect(await found(`${a}@x.example`)).toMatchObject({ firstName: "Ada" });
});

test("a header line that is not understood is one fault, tells which name, and nothing is written", async () => {
  const rows = Array.from({ length: 300 }, (_, n) => `n${n}@header.example,x`).join("\n");
  const headers: [header: string, told: string][] = [
    ["email,Telefon", '"Telefon"'],
    ["email,isSuperAdmin", '"isSuperAdmin"'],
    ["Adresse,firstName", '"Adresse"'],
    ["firstName,lastName", "no column email"],
    ["email,E-mail", '"E-mail"'],
    [",email", "Column 1"],
    ["ada@x.example,Ada", '"ada@x.example"'],
  ];
  for (const [header, told] of headers)
    for (const query of ["", "?dryRun=true", "?atomic=true"]) {
      const { status, body } = await send(`${header}\n${rows}\n`, { query });
      expect([status, body.code, body.errors.length]).toEqual([422, "nothing_written", 1]);
      expect(body.errors[0].path).toBe("1");
      expect(body.errors[0].message).toContain(told);
    }
  expect(await app.deps.db.user.count({ where: { email: { endsWith: "@header.example" } } })).toBe(
    0,
  );
});

test("R71: 120 faulty rows and 10,400 good ones of a spreadsheet are refused whole", async () => {
  const rows = Array.from({ length: 10_520 }, (_, n) => `${n < 120 ? "" : `n${n}`}@cut.example;N`);
  for (const query of ["", "?dryRun=true", "?atomic=true"]) {
    const { status, body } = await send(`email;first name\n${rows.join("\n")}`, { query });
    expect([status, body.code]).toEqual([413, "body_too_large"]);
  }
  expect(await app.deps.db.user.count({ where: { email: { endsWith: "@cut.example" } } })).toBe(0);
});

describe("an export is an import", () => {
  const FIELDS = ["email", "firstName", "lastName", "status", "roles"] as const;
  const NAMES = ["=1+1", "'=1", "a;=1", "＋49 30", "x\"y,z'", "O'Neill", "'t Hooft", "平野"];

  async function filled() {
    const tenant = await registerOwner(app);
    const rows = NAMES.map((lastName, n) => ({
      email: `p${n}@${randomName()}.example`,
      firstName: n % 2 ? "Ada" : undefined,
      lastName,
      roles: n % 3 ? ["member"] : ["admin", "auditor"],
      status: n === 4 ? "disabled" : "active",
    }));
    const { body } = await sendImport(app, tenant, lines(...rows), { type: NDJSON });
    expect(body).toMatchObject({ created: rows.length, failed: 0 });
    return tenant;
  }

  async function users(tenant: Account) {
    const { body } = await app.call("GET /v1/users?limit=100&sort=email", {
      token: tenant.accessToken,
    });
    return body.items
      .filter(({ email }: { email: string }) => email !== tenant.email)
      .map((user: Record<string, unknown>) =>
        Object.fromEntries(FIELDS.map((field) => [field, user[field]])),
      );
  }

  async function exported(tenant: Account, accept: string) {
    const headers = { accept };
    return (await app.call("GET /v1/users/export", { token: tenant.accessToken, headers })).body;
  }

  test.each(["text/csv", NDJSON])("%s brings the same users", async (type) => {
    const from = await filled();
    const [file, before] = [await exported(from, type), await users(from)];
    const to = await registerOwner(app);
    const { body } = await sendImport(app, to, file, { type });
    expect(body).toMatchObject({ rows: 9, created: 9, failed: 0 });
    const after = await users(to);
    expect(after.filter(({ email }: { email: string }) => email !== from.email)).toEqual(before);
    expect(before.map(({ lastName }: { lastName: string }) => lastName).sort()).toEqual(
      NAMES.toSorted(),
    );
    const disabled = after.filter(({ status }: { status: string }) => status === "disabled");
    expect(disabled).toHaveLength(1);
  });

  test("what was proved is told as proved, though a spreadsheet writes its moment in another way", async () => {
    const header = "email,emailVerifiedAt,createdAt";
    const rows = [`${randomName()}@x.example,30.11.26 02:40,x`, `${randomName()}@x.example,,x`];
    const { body } = await send([header, ...rows].join("\n"));
    expect(body).toMatchObject({ created: 2, unproved: 1 });
  });
});
