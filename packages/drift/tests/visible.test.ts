/** Names that somebody chose who may create a table: whoever reads a report obeys none of them. */
import { describe, expect, test } from "bun:test";
import { visible, visibleLine } from "../src/model/words.ts";
import { repairScript } from "../src/repair/script.ts";
import { formatNames, formats } from "../src/report/formats.ts";
import type { Report } from "../src/report/report.ts";

const nasty = [
  "a\u001b[2J\u0007b",
  "c\n::error file=x::gone",
  "##[set-output name=x]y",
  "**bold** [link](https://evil.invalid) `tick` <img src=x> @everybody",
  "\u202egnp.exe\u200b\u009b31m",
  "##vso[task.setvariable variable=x]y ##teamcity[message text='x']",
  "\u{e0041}\u3164\u180e\ufff9\ufe0f\ud800",
].join(" ");

function report(text: string): Report {
  const finding = {
    ...{ change: "changed", severity: "critical", kind: "index", schema: "public", name: text },
    ...{ parent: `table ${text}`, expected: `x ${text}`, actual: `y ${text}`, declaredIn: text },
    ...{ line: 3, repair: [`DROP ${text}`], destroys: text, unrepaired: text },
  };
  return {
    ...{ database: text, expected: "declared", objects: 1, drift: true, pending: [text] },
    findings: [finding],
    repair: { proved: false, doubt: text },
    allowed: [{ key: text, until: "2999-01-01", reason: text }],
    staleExceptions: [{ at: `${text}:1`, key: text, problem: text }],
    faults: [{ migration: text, fault: "edited", explanation: text, mend: text }],
    warnings: [text],
    notes: [text],
  } as Report;
}

describe("in every format", () => {
  for (const name of formatNames) {
    const text = formats[name](report(nasty));

    test(`${name} has no character that a terminal obeys`, () => {
      const obeyed = [...text].filter((one) => one !== "\n" && /[\p{Cc}\p{Cf}]/u.test(one));
      expect(obeyed).toEqual([]);
    });

    test(`${name} has no command for a runner but its own`, () => {
      for (const line of text.split("\n")) {
        expect(line).not.toMatch(/^\s*::error file=x/);
        expect(line).not.toMatch(/##\w*\[/);
      }
    });
  }

  test("markdown is neither bold, nor links, nor mentions anybody, outside of fences", () => {
    const outside = formats.markdown(report(nasty)).replace(/^(`{3,})[\s\S]*?^\1$/gm, "");
    const blocks = outside.replace(/<summary>.*<\/summary>/g, "");
    expect(blocks).not.toContain("**bold**");
    expect(blocks).not.toContain("[link](");
    expect(blocks).not.toContain("https://");
    expect(blocks).not.toMatch(/@\w/);
    expect(outside).not.toContain("<img");
  });

  test("SARIF has no link in a message", () => {
    const log = JSON.parse(formats.sarif(report(nasty)));
    for (const { message } of log.runs[0].results) expect(message.text).not.toContain("](");
    for (const { message } of log.runs[0].invocations[0].toolExecutionNotifications)
      expect(message.text).not.toContain("](");
  });

  test("html has no tag of a name", () => {
    expect(formats.html(report(nasty))).not.toContain("<img");
  });

  test("JSON gives names back as they are", () => {
    expect(JSON.parse(formats.json(report(nasty))).findings[0].name).toBe(nasty);
  });
});

describe("a comment of a repair ends where its line does", () => {
  const name = 'a"\r\nDROP TABLE gone; --';
  const step = { reason: name, key: name, mends: name, sql: ["SELECT 1"], destroys: name };
  const proposal = {
    ...{ safe: [step], destructive: [{ ...step, rewrites: [name] }], doubt: name, safeDoubt: null },
    ...{ losses: [name], unresolved: [{ key: name, reason: name, error: name }] },
  };
  const written = /^\s*DROP TABLE gone/m;

  test("in the script, whether it destroys or not", () => {
    for (const allowDestructive of [true, false])
      expect(repairScript(proposal, { allowDestructive })).not.toMatch(written);
  });

  const [finding] = report("t").findings;
  const findings = [{ ...finding, repair: ["SELECT 1"], destroys: name, unrepaired: name }];
  const told = { ...report("t"), findings } as Report;
  for (const format of ["markdown", "html", "text"] as const)
    test(`in what ${format} shows of it`, () => {
      expect(formats[format](told)).not.toMatch(written);
    });

  test("in a message of SARIF", () => {
    const [result] = JSON.parse(formats.sarif(told)).runs[0].results;
    expect(result.message.text).toContain("repair: -- DESTRUCTIVE");
    expect(result.message.text).not.toMatch(written);
  });
});

test("what is seen stays as it is", () => {
  const text = 'CREATE TABLE "Größe" (\n\tid int -- a::text "日本" \\u0041 ⚠️ ## 1 #[2]\n)';
  expect(visible(text)).toBe(text);
  expect(visibleLine("a\nb\tc")).toBe("a\\u000ab\\u0009c");
  expect(visible(" ::warning::x")).toBe(" \\u003a:warning::x");
});
