/** Every slip of the fingers in every name of ours ends a start; no name that other programs really have does. */
import { describe, expect, test } from "bun:test";
import { Environment } from "../../src/config/environment.ts";
import { doubtfulOf, misspeltOf } from "../../src/config/misspelt.ts";
import { doubtfulNames, parseConfig } from "../../src/config.ts";
import { NAMES_OF_OTHERS } from "./names-of-others.ts";

const NAMES = Object.keys(Environment.shape);
const schemas = new Map(Object.entries(Environment.shape));
const fits = (name: string, value: string) => schemas.get(name)?.safeParse(value).success ?? false;

function meant(name: string, value: string): string | null {
  const [first] = misspeltOf({ [name]: value }, NAMES, fits);
  return first ? (/Did you mean (\w+)\?/.exec(first.message)?.[1] ?? "none") : null;
}

const ROWS = ["1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"];

/** The letters around one on the keyboard. */
function around(letter: string): string[] {
  return ROWS.flatMap((row, at) => {
    const column = row.indexOf(letter);
    if (column === -1) return [];
    const [above = "", below = ""] = [ROWS[at - 1], ROWS[at + 1]];
    return [
      ...[row[column - 1], row[column + 1], above[column], above[column + 1]],
      ...[below[column - 1], below[column]],
    ].filter((each) => each !== undefined && /[A-Z]/.test(each));
  }) as string[];
}

const eachLetter = (
  name: string,
  slip: (before: string, letter: string, after: string) => string[],
) => [...name].flatMap((letter, at) => slip(name.slice(0, at), letter, name.slice(at + 1)));

const KINDS: Record<string, (name: string) => string[]> = {
  "a letter or an underscore missing": (name) =>
    eachLetter(name, (before, _, after) => [before + after]),
  "one twice": (name) => eachLetter(name, (before, it, after) => [before + it + it + after]),
  "two in each other's place": (name) =>
    eachLetter(name, (before, it, after) =>
      after ? [before + after[0] + it + after.slice(1)] : [],
    ),
  "the key beside": (name) =>
    eachLetter(name, (before, it, after) => around(it).map((other) => before + other + after)),
  "in lower case": (name) => [name.toLowerCase()],
  "with hyphens or dots": (name) =>
    name.includes("_") ? ["-", "."].map((sign) => name.replaceAll("_", sign)) : [],
  "without underscores": (name) => [name.replaceAll("_", "")],
  "as camelCase": (name) => [
    name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
  ],
  "as more than one": (name) => (/^(HOST|PORT)$/.test(name) ? [] : [`${name}S`]),
  "with our name in front": (name) => (/^(HOST|PORT)$/.test(name) ? [] : [`TENANTRY_${name}`]),
};
/** What somebody would set; of the others any text will do. */
const VALUES: Record<string, string> = {
  ...{ HOST: "0.0.0.0", PORT: "3000", JOBS: "off", DOCS: "on", MFA: "required", TRIAL: "on" },
  ISSUER: "https://id.example.com",
};
/** As near to RATE_LIMIT_LOGIN as to RATE_LIMIT_LOGINS: either is told. */
const EITHER = /^RATE_LIMIT_LOGINS?$/;

describe("a slip in any name of ours is told, with what was meant:", () => {
  test.each(Object.entries(KINDS))("%s", (_kind, slipsOf) => {
    const wrong = NAMES.flatMap((ours) =>
      slipsOf(ours)
        .filter((slip) => !NAMES.includes(slip))
        .map((slip) => ({ slip, ours, told: meant(slip, VALUES[ours] ?? "x") }))
        .filter(({ told }) => told !== ours && !(EITHER.test(ours) && EITHER.test(told ?? ""))),
    );
    expect(wrong).toEqual([]);
  });

  test("in the name of its file too", () => {
    // NODE_ENV_… is how Docker tells the variables of a linked container that is called node.
    const files = NAMES.filter((name) => !name.endsWith("_FILE") && name !== "NODE_ENV");
    for (const ours of files)
      for (const slip of [`${ours}_FLIE`, `${ours}_FIEL`, `${ours.toLowerCase()}_file`])
        expect([slip, meant(slip, "/run/x")]).toEqual([slip, `${ours}_FILE`]);
  });
});

test("no name of another program ends a start, whatever it holds", () => {
  expect(NAMES_OF_OTHERS.length).toBeGreaterThan(500);
  const values = [
    "x",
    "3000",
    "on",
    "https://a.example",
    "tcp://10.0.0.1:80",
    "/run/secrets/x",
    "hello@a.example",
  ];
  // What one of these names with one of these values must be meant for: JOB=on, DOC=on, ISSUE=https://…
  const meantForOurs = ["JOB", "DOC", "ISSUE", "SIGNING_KEY"];
  const stopping = values.flatMap((value) =>
    NAMES_OF_OTHERS.filter((name) => meant(name, value) !== null),
  );
  expect(stopping.filter((name) => !meantForOurs.includes(name))).toEqual([]);
  const values4 = { JOB: "4711", DOC: "manual.pdf", ISSUE: "4711", SIGNING_KEY: "3af900ffee11" };
  for (const [name, value] of Object.entries(values4)) expect(meant(name, value)).toBeNull();
});

test("what may be either is told in the log, where ours is not set", () => {
  const told = (env: Record<string, string>) =>
    doubtfulOf(env, NAMES).map(({ name, message }) => [name, message.split(" ").at(-1)]);
  const either = {
    EMAIL_FROM: "a@b.example",
    REPLICA_DATABASE_URL: "x",
    DATABASE_TIMEOUT_MS: "5000",
  };
  expect(told(either)).toEqual([
    ["EMAIL_FROM", "MAIL_FROM"],
    ["REPLICA_DATABASE_URL", "DATABASE_REPLICA_URL"],
    ["DATABASE_TIMEOUT_MS", "DATABASE_TIMEOUT_SECONDS"],
  ]);
  expect(
    told({ ...either, MAIL_FROM: "x", DATABASE_REPLICA_URL: "x", DATABASE_TIMEOUT_SECONDS: "5" }),
  ).toEqual([]);
  const others = Object.fromEntries(NAMES_OF_OTHERS.map((name) => [name, "3000"]));
  expect(
    doubtfulOf(others, NAMES)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual([
    "DATABASE_TIMEOUT",
    "DATABASE_TIMEOUT_MS",
    "EMAIL_FROM",
    "EMAIL_TEMPLATES",
    "REPLICA_DATABASE_URL",
  ]);
  const env = {
    ...{
      DATABASE_URL: "postgresql://a@b/c",
      SECRET_KEY: "mk2lL0M4T4jxC1jVJ3sPZL3v5Zfhwp1w8h5OWk1v5zQ=",
    },
    ...{ NODE_ENV: "development", ...either },
  };
  expect(parseConfig(env).doubtful).toEqual(doubtfulNames(env));
  // A value may be a secret.
  expect(JSON.stringify(doubtfulNames(env))).not.toContain("a@b.example");
});

test("a start does not wait for it, however many names there are", () => {
  const others = NAMES_OF_OTHERS.slice(0, 200);
  const env = Object.fromEntries([...others, "A_".repeat(50_000)].map((name) => [name, "x"]));
  const millis = Array.from({ length: 20 }, () => {
    const begun = performance.now();
    misspeltOf(env, NAMES);
    doubtfulOf(env, NAMES);
    return performance.now() - begun;
  });
  // The best of them is what it takes: 2 ms, and 30 where each word is compared with each.
  expect(Math.min(...millis)).toBeLessThan(10);
});
