import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Environment } from "../../src/config/environment.ts";
import { parseConfig } from "../../src/config.ts";

const ROOT = join(import.meta.dir, "..", "..");
const lines = readFileSync(join(ROOT, ".env.example"), "utf8").split("\n");
const example = Object.fromEntries(
  lines.flatMap((line) =>
    [...line.matchAll(/^([A-Z_]+)=(.*)$/g)].map(([, name, value]) => [name, value]),
  ),
);

describe(".env.example", () => {
  test("names every variable of the configuration, in its order, and no other", () => {
    expect(Object.keys(example)).toEqual(Object.keys(Environment.shape));
  });

  test("gives each its default, and leaves empty what is required or has none", () => {
    const required = {
      DATABASE_URL: "postgresql://db.example/tenantry",
      SECRET_KEY: randomBytes(32).toString("base64"),
      ISSUER: "https://id.example.com",
      APP_URL: "https://app.example.com",
    };
    const { DATABASE_URL, SECRET_KEY, ISSUER, APP_URL, ...rest } = example;
    expect([DATABASE_URL, SECRET_KEY, ISSUER, APP_URL]).toEqual(["", "", "", ""]);
    expect(parseConfig({ ...rest, ...required })).toEqual(parseConfig(required));
    for (const [name, schema] of Object.entries(Environment.shape)) {
      const { data, success } = schema.safeParse(undefined);
      const fallback = success && data !== undefined ? String(data) : "";
      expect([name, example[name]]).toEqual([name, fallback]);
    }
  });

  test("says of each what it does", () => {
    lines.forEach((line, index) => {
      if (/^[A-Z]/.test(line))
        expect([line, lines[index - 1]]).toEqual([line, expect.stringMatching(/^#|^HOST=/)]);
    });
  });
});

test("docs/reference/configuration.md has a row for every variable, and for no other", () => {
  const page = readFileSync(join(ROOT, "docs/reference/configuration.md"), "utf8");
  const cells = [...page.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = ""]) => cell);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(named.sort()).toEqual(Object.keys(Environment.shape).sort());
});

test("nothing in src reads the environment but the configuration", () => {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const readers = files
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => /process\.env|Bun\.env/.test(readFileSync(join(ROOT, "src", file), "utf8")));
  // index.ts and the tools hand it over.
  expect(readers.sort()).toEqual([
    "cli/audit.ts",
    "cli/keys.ts",
    "cli/platform.ts",
    "cli/roles.ts",
    "index.ts",
  ]);
});
