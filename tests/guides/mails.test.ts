/** docs/guides/mails.md: its table against the code, its pages against the server, its text against the check at start. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATHS } from "../../src/auth/mails/links.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { EXAMPLES, TEMPLATE_NAMES } from "../../src/mail/content.ts";
import { KINDS } from "../../src/mail/mails.ts";
import { renderMail } from "../../src/mail/render.ts";
import { faultOfTemplates, loadTemplates } from "../../src/mail/templates.ts";
import { type Account, createMember, PASSWORD, randomName, registerOwner } from "../support/app.ts";
import { type Answers, readGuide } from "./guide.ts";
import { linkIn, openPage, type Page } from "./page.ts";
import { type Served, serve } from "./serve.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SECRET_KEY = randomBytes(32).toString("base64");
const NEW_PASSWORD = "a quite different set of words";

type Row = { mail: string; path: string; calls: string[]; validFor: string };

const [, table = ""] =
  /<!-- mails:begin -->\n([\s\S]+?)\n<!-- mails:end -->/.exec(readGuide("mails.md")) ?? [];
const rows: Row[] = table
  .split("\n")
  .slice(2)
  .map((line) => {
    const [mail = "", , path = "", calls = "", validFor = ""] = line.split(/ *\| */).slice(1, -1);
    return {
      mail: mail.replaceAll("`", ""),
      path: path.replaceAll("`", ""),
      calls: [...calls.matchAll(/`([^`]+)`/g)].map(([, call = ""]) => call),
      validFor,
    };
  });

describe("the table", () => {
  test("names every mail, and no other", () => {
    expect(rows.map(({ mail }) => mail).toSorted()).toEqual(TEMPLATE_NAMES.toSorted());
  });

  test("names every path that the code makes, and no other", () => {
    const paths = new Set(rows.map(({ path }) => path).filter((path) => path.startsWith("/")));
    expect([...paths].sort()).toEqual(
      [...new Set(Object.values(PATHS).map((path) => `/${path}`))].sort(),
    );
  });

  test("gives each mail the link that the code gives it", () => {
    const linked = new Map(sourceLinks());
    expect(linked.size).toBe(TEMPLATE_NAMES.filter((name) => "link" in EXAMPLES[name]).length);
    for (const { mail, path } of rows) expect([mail, path]).toEqual([mail, linked.get(mail) ?? ""]);
  });

  test("has the proofs first, and says which mails hold a code", () => {
    const kinds = rows.map(({ mail }) => KINDS[mail as keyof typeof KINDS]);
    expect(kinds).toEqual([...Array(9).fill("proof"), ...Array(kinds.length - 9).fill("notice")]);
    const [, codes = ""] = readGuide("mails.md").split("| the code goes to |");
    const named = codes.split("\n\n")[0]?.matchAll(/^\| (`.+?`) \|/gm) ?? [];
    const mails = [...named].flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
    const withCode = TEMPLATE_NAMES.filter((name) => "code" in EXAMPLES[name]);
    expect(mails.toSorted()).toEqual(withCode.toSorted());
  });

  test("names calls of the API alone, and how long a link is good where it expires", async () => {
    const served = await serve();
    const { body } = await served.app.call("GET /openapi.json");
    await served.stop();
    for (const { mail, path, calls, validFor } of rows) {
      const expires = KINDS[mail as keyof typeof KINDS] === "proof";
      expect([mail, validFor !== "", calls.length > 0]).toEqual([
        mail,
        expires,
        path.startsWith("/"),
      ]);
      for (const call of calls) {
        const [method = "", route = ""] = call.toLowerCase().split(" ");
        expect([call, body.paths[route]?.[method] !== undefined]).toEqual([call, true]);
      }
    }
  });
});

/** Which mail is sent with which link: read off the source, where each stands beside its template. */
function* sourceLinks(): Generator<[string, string]> {
  for (const file of new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT })) {
    if (file.startsWith("src/mail/")) continue;
    const source = readFileSync(join(ROOT, file), "utf8");
    const found = source.matchAll(
      /template: "(\w+)",[^}]*?\blink: (?:linkFor\(ctx, "(\w+)", token\)|ctx\.config\.appUrl)/g,
    );
    for (const [, template = "", purpose] of found)
      yield [
        template,
        purpose === undefined ? "APP_URL" : `/${PATHS[purpose as keyof typeof PATHS]}`,
      ];
  }
  // The two of a late refresh are one but for their text.
  yield ["session_stolen", "APP_URL"];
}

type Pages = { pages: Record<string, (input?: string) => Answers> };

describe("the page behind each link", () => {
  let served: Served;
  let page: Page;
  let owner: Account;
  beforeAll(async () => {
    served = await serve();
    page = openPage(served.url);
  });
  afterAll(async () => {
    page.close();
    await served.stop();
  });
  beforeEach(async () => {
    page.browser.cookies.clear();
    page.go(served.url);
    owner = await registerOwner(served.app);
  });

  const logIn = async (password = PASSWORD, email = owner.email) =>
    (await page.client()).post("/v1/auth/login", { email, password });
  const ask = (route: string, json: object, token?: string) =>
    served.app.call(route, { json, ...(token !== undefined && { token }) });

  /** Opens the newest link that this address was sent, which is to be that of the mail. */
  async function follow(mail: string, to = owner.email, input?: string): Answers {
    const mails = (await served.app.mail()).filter((each) => each.to === to);
    const sent = mails.findLast((each) => linkIn(each) !== "") ?? { text: "" };
    const link = linkIn(sent);
    const { pathname } = new URL(link);
    const row = rows.find((each) => each.mail === mail);
    expect(pathname).toBe(row?.path ?? "");
    // That of a deleted account names the day.
    const times =
      row?.validFor
        .split("; ")
        .map((time) => time.replace(/ when .*/, "").replace(/.* \(`.*/, "for good after")) ?? [];
    expect([mail, times.some((time) => sent.text.includes(time))]).toEqual([mail, true]);
    page.go(link);
    const { pages } = await page.load<Pages>("links.ts");
    page.browser.sent.length = 0;
    return pages[pathname]?.(input);
  }

  const me = (accessToken: string) => served.app.call("GET /v1/auth/me", { token: accessToken });

  test("verify_email proves the address in the session", async () => {
    await logIn();
    expect(await follow("verify_email")).toEqual({});
    expect((await me(owner.accessToken)).body.user.emailVerifiedAt).not.toBeNull();
    expect((await follow("verify_email")).code).toBe("invalid_one_time_token");
  });

  test("magic_link logs in", async () => {
    await ask("POST /v1/auth/magic-link", { email: owner.email });
    expect((await follow("magic_link")).user.email).toBe(owner.email);
    expect((await follow("magic_link")).code).toBe("invalid_one_time_token");
  });

  test("reset_password sets a new one", async () => {
    await ask("POST /v1/auth/forgot-password", { email: owner.email });
    expect((await follow("reset_password", owner.email, "short")).code).toBe("validation_failed");
    expect(await follow("reset_password", owner.email, NEW_PASSWORD)).toEqual({});
    expect((await logIn()).code).toBe("invalid_credentials");
    expect((await logIn(NEW_PASSWORD)).user.email).toBe(owner.email);
  });

  test("account_locked lifts the lock", async () => {
    const data = { loginAttempts: 99 };
    await served.app.deps.db.account.update({ where: { id: owner.id }, data });
    expect((await logIn("not the password at all")).code).toBe("invalid_credentials");
    expect((await logIn()).code).toBe("invalid_credentials");
    expect(await follow("account_locked")).toEqual({});
    expect((await logIn()).user.email).toBe(owner.email);
  });

  test("account_deleted brings the account back", async () => {
    const member = await createMember(served.app, owner);
    expect((await ask("DELETE /v1/auth/me", {}, member.accessToken)).status).toBe(204);
    expect((await logIn(PASSWORD, member.email)).code).toBe("invalid_credentials");
    expect(await follow("account_deleted", member.email)).toEqual({});
    expect((await logIn(PASSWORD, member.email)).user.email).toBe(member.email);
    expect((await follow("account_deleted", member.email)).code).toBe("invalid_one_time_token");
  });

  test("change_email completes a change of one's own in the session", async () => {
    const email = `${randomName()}@new.example`;
    await logIn();
    const { call } = await page.client();
    await call("POST", "/v1/auth/me/email", { email });
    expect(await follow("change_email", email)).toEqual({});
    expect((await logIn(PASSWORD, email)).user.email).toBe(email);
  });

  test("change_email that an administrator has begun is complete by the link alone", async () => {
    const member = await createMember(served.app, owner);
    const email = `${randomName()}@new.example`;
    const { status } = await ask(`PATCH /v1/users/${member.id}`, { email }, owner.accessToken);
    expect(status).toBe(200);
    expect(await follow("change_email", email)).toEqual({});
    expect(page.browser.sent.at(-1)).toBe("POST /v1/auth/email/verify 204");
    expect((await me(member.accessToken)).status).toBe(401);
  });

  test("change_email of one's own, opened by nobody, waits for the log-in with the old address", async () => {
    const email = `${randomName()}@new.example`;
    await ask("POST /v1/auth/me/email", { email }, owner.accessToken);
    expect((await follow("change_email", email)).code).toBe("invalid_one_time_token");
    await logIn();
    expect(await follow("change_email", email)).toEqual({});
  });

  test("complete_registration makes the account", async () => {
    const strict = await serve({ EMAIL_VERIFICATION: "required" });
    const there = openPage(strict.url);
    try {
      const slug = randomName();
      const email = `owner@${slug}.example`;
      const json = { email, password: PASSWORD, tenant: { name: slug, slug } };
      expect((await strict.app.call("POST /v1/auth/register", { json })).status).toBe(202);
      const link = linkIn(await strict.app.lastMailTo(email));
      expect(new URL(link).pathname).toBe("/complete-registration");
      there.go(link);
      const { pages } = await there.load<Pages>("links.ts");
      const complete =
        pages["/complete-registration"] ?? (() => Promise.reject(new Error("no page")));
      expect((await complete("not the password at all")).code).toBe("invalid_one_time_token");
      expect((await complete(PASSWORD)).user.email).toBe(email);
    } finally {
      there.close();
      await strict.stop();
      page.close();
      page = openPage(served.url);
    }
  });
});

describe("own texts", () => {
  const home = mkdtempSync(join(tmpdir(), "tenantry-guides-"));
  const texts = join(home, "texts");
  const file = join(texts, "en", "magic_link.txt");
  const [, text = ""] =
    /^```text file=magic_link\.txt\n([\s\S]+?)^```$/m.exec(readGuide("mails.md")) ?? [];
  beforeAll(() => cpSync(join(ROOT, "mail-templates"), texts, { recursive: true }));
  afterAll(() => rmSync(home, { recursive: true }));

  test("the page's text is taken as it is", () => {
    writeFileSync(file, text);
    const mail = { ...EXAMPLES.magic_link, to: "ada@example.com", language: "en" };
    expect(renderMail(loadTemplates(texts), mail, "Acme").text).toBe(
      `Log in:\n${mail.link}\n\nOr type this code: 123456\n\nIt is good for 10 minutes.\n`,
    );
  });

  test("what is wrong is named as the page shows it", () => {
    writeFileSync(file, text.replace("{{link}}", "{{lnk}}"));
    const fault = faultOfTemplates(texts)?.replace(home, "/srv") ?? "";
    const env = { NODE_ENV: "test", DATABASE_URL: "postgresql://x@y/z", SECRET_KEY };
    const start = () => parseConfig(env, () => [["MAIL_TEMPLATES", fault]]);
    const [, shown = ""] = /^```console\n([\s\S]+?)\n```$/m.exec(readGuide("mails.md")) ?? [];
    expect(start).toThrow(new ConfigError(shown));
  });
});
