import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { expectProblem, paths } from "./problem.ts";

const app = testApp();
let owner: Account;
let before: string;
beforeAll(async () => {
  owner = await registerOwner(app);
  before = await stored();
});

const JSON_TYPE = { "content-type": "application/json" };

/** Sends a body as it stands, with the owner's token, to the route that would store the most of it. */
function send(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE) {
  return app.call("PATCH /v1/auth/me/profile", { token: owner.accessToken, body, headers });
}

/** Everything that a body could have changed. */
async function stored(): Promise<string> {
  const { rows } = await app.deps.pool.query(`
    SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM tenants) AS tenants,
      (SELECT count(*) FROM audit_log) AS audit, (SELECT jsonb_agg(user_profiles) FROM user_profiles) AS profiles`);
  return JSON.stringify(rows);
}

const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part as string))));

const MALFORMED: Record<string, string | Uint8Array<ArrayBuffer>> = {
  "an empty body": "",
  "half a document": '{"language":"de"',
  "two documents": '{"language":"de"} {"language":"fr"}',
  "a trailing comma": '{"language":"de",}',
  "single quotes": "{'language':'de'}",
  "a comment": '{"language":"de"} // German',
  NaN: '{"preferences":{"a":NaN}}',
  "a raw newline in a string": '{"language":"d\ne"}',
  "two byte order marks": bytes([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf], '{"language":"de"}'),
  "UTF-16": Uint8Array.from(Buffer.from('{"language":"de"}', "utf16le")),
  "a byte that is not UTF-8": bytes('{"language":"', [0xff], '"}'),
  "an overlong encoding": bytes('{"language":"', [0xc0, 0xaf], '"}'),
  "a surrogate in UTF-8": bytes('{"language":"', [0xed, 0xa0, 0x80], '"}'),
  "a NUL in a value": '{"preferences":{"a":"x\\u0000"}}',
  "a NUL in a key": '{"preferences":{"a\\u0000":1}}',
  "a NUL in an array": '{"preferences":{"a":[["\\u0000"]]}}',
  "half a surrogate pair in a value": '{"preferences":{"a":"\\ud83d"}}',
  "half a surrogate pair in a key": '{"preferences":{"\\udc00":1}}',
  "a surrogate pair the wrong way round": '{"preferences":{"a":"\\udca9\\ud83d"}}',
  "a key twice": '{"language":"de","language":"fr"}',
  "a key twice, once escaped": '{"language":"de","l\\u0061nguage":"fr"}',
  "a key twice, deep inside": '{"preferences":{"a":[{"b":{"c":1,"d":2,"c":1}}]}}',
  "a key twice, with strings between that look like JSON": '{"a":"{\\"b\\":1,","b":"\\\\","a":1}',
  __proto__: '{"__proto__":{"language":"de"}}',
  "__proto__, deep inside and escaped": '{"preferences":{"a":{"__pr\\u006fto__":{"b":1}}}}',
  "65 arrays in one another": `{"preferences":{"a":${"[".repeat(63)}${"]".repeat(63)}}}`,
  "100,000 arrays in one another": "[".repeat(100_000) + "]".repeat(100_000),
  "20,000 objects in one another": `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
};

describe("R57: a body that is not plain JSON is a 400", () => {
  for (const [name, body] of Object.entries(MALFORMED)) {
    test(name, async () => expectProblem(await send(body), "malformed_body"));
  }

  test("also without any body at all", async () => {
    expectProblem(await app.call("POST /v1/auth/login", { headers: JSON_TYPE }), "malformed_body");
  });
});

const INVALID: Record<string, [body: string, paths: string[]]> = {
  null: ["null", [""]],
  "a number": ["1", [""]],
  "a text": ['"language"', [""]],
  "an array": ['[{"language":"de"}]', [""]],
  "no field": ["{}", [""]],
  "a field of the wrong type": ['{"language":7}', ["language"]],
  "a text that is too long": [
    `{"avatarUrl":"https://a.example/${"x".repeat(500)}"}`,
    ["avatarUrl"],
  ],
  "an object that is too large": [`{"preferences":{"a":"${"x".repeat(17_000)}"}}`, ["preferences"]],
  "a number that is no number": ['{"preferences":{"a":1e999}}', ["preferences.a"]],
  "unknown fields, each named": [
    '{"language":"de","isAdmin":true,"userId":"x"}',
    ["isAdmin", "userId"],
  ],
  "constructor and other names of Object": [
    '{"language":"de","constructor":{"prototype":{}},"toString":1,"hasOwnProperty":1}',
    ["constructor", "toString", "hasOwnProperty"],
  ],
};

describe("R57: JSON of the wrong shape is a 422 that names each field", () => {
  for (const [name, [body, expected]] of Object.entries(INVALID)) {
    test(name, async () => {
      const answer = await send(body);
      expectProblem(answer, "validation_failed");
      expect(paths(answer)).toEqual(expected);
    });
  }

  test("a field inside an object is named with its path", async () => {
    const answer = await app.call("POST /v1/auth/register", {
      json: { email: "no", password: "", tenant: { name: "", slug: "-", plan: "gold" } },
    });
    expectProblem(answer, "validation_failed");
    const expected = ["email", "password", "tenant.name", "tenant.plan", "tenant.slug"];
    expect([...new Set(paths(answer))].sort()).toEqual(expected);
  });

  test("a body full of faults is answered with fifty", async () => {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, i]));
    const answer = await send(JSON.stringify(fields));
    expectProblem(answer, "validation_failed");
    expect(paths(answer)).toHaveLength(50);
  });
});

describe("R52: a body that does not say it is JSON is a 415", () => {
  const types = [
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/merge-patch+json",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application/json, text/plain",
    "application/jsonp",
  ];
  for (const type of types) {
    test(type || "no Content-Type", async () => {
      // As bytes: for a text the Request would add a type of its own.
      const body = bytes('{"language":"de"}');
      const answer = await send(body, type ? { "content-type": type } : {});
      expectProblem(answer, "unsupported_media_type");
      // RFC 9110, sections 12.5.1 and 15.5.16; RFC 5789, section 2.2.
      expect(answer.headers.get("accept")).toBe("application/json");
      expect(answer.headers.get("accept-patch")).toBe("application/json");
    });
  }

  test("an import names its own types, and PATCH alone has Accept-Patch", async () => {
    const { accessToken: token } = owner;
    const headers = { "idempotency-key": "0123456789abcdef" };
    const answer = await app.call("POST /v1/users/import", { token, json: {}, headers });
    expectProblem(answer, "unsupported_media_type");
    expect(answer.headers.get("accept")).toContain("text/csv, application/x-ndjson");
    expect(answer.headers.get("accept-patch")).toBeNull();
  });

  const taken = [
    "application/json;",
    "Application/JSON",
    "application/json; charset=utf8",
    "application/json; charset=UTF8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    'application/json ; CharSet="UTF8"',
    "application/json; charset=utf-8;",
    "application/json;; charset=utf-8",
    "application/json; odata=verbose",
    'application/json; v=1; charset=utf-8; note="a;b\\"c"',
  ];
  for (const type of taken) {
    test(`${type} does`, async () => {
      const { status } = await send("{}", { "content-type": type });
      expect(status).toBe(422);
    });
  }

  for (const type of [
    "application/json; charset=utf-7",
    'application/json; charset="utf-16"',
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; charset=",
    "application/json charset=utf-8",
    'application/json; charset="utf-8',
    "application/json\u00a0; charset=utf-8",
    `application/json${"; ".repeat(4000)}x`,
  ])
    test(`${type.slice(0, 50)} does not`, async () => {
      const headers = { "content-type": type };
      expectProblem(await send("{}", headers), "unsupported_media_type");
    });

  test("a compressed body, which would pass every limit on its length", async () => {
    const body = Bun.gzipSync(bytes('{"language":"de"}'));
    const answer = await send(body, { ...JSON_TYPE, "content-encoding": "gzip" });
    expectProblem(answer, "unsupported_media_type");
    // RFC 9110, section 12.5.3.
    expect(answer.headers.get("accept-encoding")).toBe("identity");
    const plain = await send("{}", { ...JSON_TYPE, "content-encoding": "identity" });
    expectProblem(plain, "validation_failed");
  });
});

describe("R52: a body over the limit is a 413", () => {
  test("announced by its Content-Length, whatever it holds", async () => {
    const headers = { ...JSON_TYPE, "content-length": "10000000" };
    expectProblem(await send("{}", headers), "body_too_large");
  });

  test("counted as it comes when no length is announced, and not read to its end", async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(Buffer.alloc(65_536, " "));
      },
    });
    const answer = await app.call("POST /v1/auth/login", { body, headers: JSON_TYPE });
    expectProblem(answer, "body_too_large");
    expect(sent).toBeLessThan(1_000_000);
  });

  test("one byte over; at the limit itself it is read", async () => {
    const limit = app.deps.config.bodyLimitBytes;
    expectProblem(await send("{}".padEnd(limit + 1)), "body_too_large");
    expectProblem(await send("{}".padEnd(limit)), "validation_failed");
  });
});

test("a body that broke off is a 400, and no fault of ours in the log", async () => {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from('{"language":'));
      controller.error(new Error("connection lost"));
    },
  });
  const answer = await app.call("POST /v1/auth/login", { body, headers: JSON_TYPE });
  expectProblem(answer, "malformed_body");
});

test("nothing of all that was stored", async () => {
  expect(await stored()).toBe(before);
});

test("RFC 8259, section 8.1: a mark of byte order in front is left out, and one only", async () => {
  const body = JSON.stringify({ preferences: { text: "\ufeff" } });
  const answer = await send(`\ufeff${body}`);
  expect([answer.status, answer.body.preferences]).toEqual([200, { text: "\ufeff" }]);
  const long = await send(`\ufeff${body}`.padEnd(20_000));
  expect(long.status).toBe(200);
  expectProblem(await send(`\ufeff\ufeff${body}`), "malformed_body");
});

test("what is valid is kept as it was sent", async () => {
  const preferences = {
    text: 'quotes " and \\ backslashes, ünïcödé, 😀, \t\n',
    nested: Array.from({ length: 61 }).reduce<unknown>((inner) => [inner], "deep"),
    constructor: { prototype: { x: 1 } },
    "a:b,{c}[d]": [null, true, 1.5, -7, 1e100],
  };
  for (const type of ["application/json; charset=utf-8", 'Application/JSON ;charset="UTF-8"']) {
    const answer = await send(JSON.stringify({ preferences }), { "content-type": type });
    expect(answer.status).toBe(200);
    expect(answer.body.preferences).toEqual(preferences);
  }
});
