/** What commands share: the line that says what they are at, and that no secret is printed. */
import { expect, test } from "bun:test";
import { createProgress } from "../../src/cli/progress.ts";
import { withoutSecrets } from "../../src/cli/secrets.ts";

function stream(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => written.push(text) };
}

test("a quick answer has no line before it; on a terminal the line is gone in the end", () => {
  const quick = stream(true);
  const impatient = createProgress(quick);
  impatient.show("reading");
  impatient.clear();
  expect(quick.written).toEqual([]);

  const terminal = stream(true);
  const progress = createProgress(terminal, { patienceMillis: 0 });
  progress.show("reading");
  progress.clear();
  expect(terminal.written).toEqual(["\r\u001b[2Kreading …", "\r\u001b[2K"]);
});

test("in a file there are lines, and not many", () => {
  const file = stream(false);
  const progress = createProgress(file, { patienceMillis: 0 });
  for (let step = 0; step < 100; step += 1) progress.show(`step ${step}`);
  progress.clear();
  expect(file.written).toEqual(["step 0 …\n"]);
});

test("no secret of the environment is printed, as it is written or as it is meant", () => {
  const env = {
    DATABASE_URL: "postgresql://owner:p%40ss%2Fword@db/tenantry",
    SMTP_URL: "smtps://mailer:mail-secret@smtp.example:465",
    LISTEN_DATABASE_URL: "postgresql://owner:with/slash@db/tenantry",
    SECRET_KEY: "c2VjcmV0c2VjcmV0",
  };
  const text =
    "failed: postgresql://owner:p%40ss%2Fword@db, p@ss/word, mail-secret, with/slash, c2VjcmV0c2VjcmV0 at db";
  expect(withoutSecrets(text, env)).toBe("failed: postgresql://owner:…@db, …, …, …, … at db");
});
