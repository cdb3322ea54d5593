/** A team's own texts: taken as they are, and refused at start with the name of the file when they are not usable. */
import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLES } from "../../src/mail/content.ts";
import { renderMail } from "../../src/mail/render.ts";
import { loadTemplates, TemplateError } from "../../src/mail/templates.ts";
import { createTestApp } from "../support/app.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SHIPPED = join(ROOT, "mail-templates");

const home = mkdtempSync(join(tmpdir(), "tenantry-mail-"));
const folder = join(home, "texts");
beforeEach(() => cpSync(SHIPPED, folder, { recursive: true }));
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => rmSync(home, { recursive: true }));

function write(file: string, text: string): void {
  writeFileSync(join(folder, file), text);
}

const LOGIN = { ...EXAMPLES.magic_link, to: "ada@example.com", language: "en" };

test("its words, its language and its HTML are used", () => {
  write(
    "en/magic_link.txt",
    "Subject: Hello {{productName}}\n\nGo to {{{link}}} & be quick.\n\n{{link}}\n",
  );
  write(
    "en/magic_link.html",
    "<h1>{{subject}} & {{code}}</h1><p>{{productName}}</p>{{#link}}<a href=x>{{/link}}",
  );
  cpSync(join(folder, "de"), join(folder, "pt-BR"), { recursive: true });
  write("pt-BR/magic_link.txt", "Subject: Olá\r\n\r\nEntre:\r\n{{link}}\r\n");
  const templates = loadTemplates(folder);
  expect(renderMail(templates, LOGIN, "<Acme>")).toEqual({
    subject: "Hello <Acme>",
    text: `Go to ${LOGIN.link} & be quick.\n\n${LOGIN.link}\n`,
    html: "<h1>Hello &lt;Acme&gt; & 123456</h1><p>&lt;Acme&gt;</p><a href=x>",
  });
  const portuguese = renderMail(templates, { ...LOGIN, language: "PT-br" }, "Acme");
  expect(portuguese).toMatchObject({ subject: "Olá", text: `Entre:\n${LOGIN.link}\n` });
  expect(portuguese.html).toContain('<html lang="pt-BR">');
  expect(renderMail(templates, { ...LOGIN, language: "pt" }, "Acme").subject).toBe("Hello Acme");
});

test("a link alone is a button that is called as the mail is", () => {
  write("en/magic_link.txt", "Subject: Get in\n\n{{link}}\n");
  const { html } = renderMail(loadTemplates(folder), LOGIN, "Acme");
  expect(html).toMatch(/<a href="[^"]+" style="[^"]+">Get in<\/a>/);
});

test.each<[string, string | null, RegExp]>([
  ["en/magic_link.txt", null, /missing/],
  ["de/new_device.txt", null, /missing/],
  ["layout.html", null, /missing/],
  ["layout.html", "{{#paragraphs}}{{link}}", /Unclosed section/],
  ["layout.html", "{{token}}", /\{\{token\}\} is not known/],
  ["en/magic_link.txt", "Log in\n\n{{link}}\n", /must begin with "Subject: …" and an empty line/],
  ["en/magic_link.txt", "Subject: \n\n{{link}}\n", /must begin/],
  ["en/magic_link.txt", "Subject: Log in\n{{link}}\n", /must begin/],
  ["en/magic_link.txt", "Subject: Log in\n\n \n", /has no text/],
  ["en/magic_link.txt", "", /must begin/],
  [
    "en/magic_link.txt",
    "Subject: Log in\n\n{{lnk}}\n",
    /\{\{lnk\}\} is not known here\. There is: link, code, minutes, validFor, productName\./,
  ],
  ["en/magic_link.txt", "Subject: {{device}}\n\n{{link}}\n", /\{\{device\}\} is not known/],
  [
    "en/magic_link.txt",
    "Subject: Log in\n\n{{#link}}{{left}}{{/link}}\n",
    /\{\{left\}\} is not known/,
  ],
  ["en/magic_link.txt", "Subject: Log in\n\n{{> header}}\n", /\{\{> header\}\} is not known/],
  ["en/magic_link.txt", "Subject: Log in\n\n{{link\n", /Unclosed tag/],
  [
    "en/magic_link.txt",
    "Subject: Log in\n\n{{#code}}\n\n{{/code}}\n",
    /A tag may not span paragraphs/,
  ],
  ["en/magic_link.txt", "Subject: Log in\n\nWelcome.\n", /holds neither \{\{link\}\} nor/],
  ["de/reset_password.html", "<p>Hallo</p>", /holds neither/],
  ["en/magic_link.html", "{{constructor}}", /\{\{constructor\}\} is not known/],
])("%s with %j is found at start", (file, text, reason) => {
  if (text === null) rmSync(join(folder, file));
  else write(file, text);
  const load = () => loadTemplates(folder);
  expect(load).toThrow(TemplateError);
  expect(load).toThrow(join(folder, file));
  expect(load).toThrow(reason);
});

test("without English, or without the folder, there is no start", () => {
  rmSync(join(folder, "en"), { recursive: true });
  expect(() => loadTemplates(folder)).toThrow(`${join(folder, "en")}: missing`);
  expect(() => loadTemplates(join(home, "nowhere"))).toThrow(/nowhere: cannot be read \(ENOENT\)/);
});

test("the server says which file it is, and does not start", async () => {
  rmSync(join(folder, "de/unknown.txt"), { force: true });
  write("de/reset_password.txt", "Subject: Passwort\n\n{{url}}\n");
  const server = Bun.spawn([process.execPath, "src/index.ts"], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none",
      SECRET_KEY: randomBytes(32).toString("base64"),
      MAIL_TEMPLATES: folder,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await server.exited).toBe(1);
  const file = join(folder, "de/reset_password.txt");
  expect(await server.stderr.text()).toContain(`  MAIL_TEMPLATES: ${file}: {{url}} is not`);
});

test("an installation with its own texts sends them", async () => {
  write("en/magic_link.txt", "Subject: Ahoy\n\n{{link}}\n");
  const app = await createTestApp({ MAIL_TEMPLATES: folder });
  try {
    await app.deps.jobs.send("mail", LOGIN);
    expect((await app.lastMailTo("ada@example.com")).subject).toBe("Ahoy");
  } finally {
    await app.close();
  }
});
