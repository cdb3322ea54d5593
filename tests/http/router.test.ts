/** Whatever is asked for, the router answers what the tree of Hono would. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { Params, Result } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import type { H, RouterRoute } from "hono/types";
import { createApp } from "../../src/app.ts";
import { newId } from "../../src/db/id.ts";
import { isDescribing } from "../../src/http/operation.ts";
import { createRouter } from "../../src/http/router.ts";
import { testApp } from "../support/app.ts";

const app = testApp();
const router = createRouter<string>();
const tree = new TrieRouter<string>();
let routes: { method: string; path: string }[] = [];
beforeAll(() => {
  routes = createApp(app.served, []).routes;
  for (const [at, { method, path }] of routes.entries()) {
    router.add(method, path, `${at} ${method} ${path}`);
    tree.add(method, path, `${at} ${method} ${path}`);
  }
});

/** The handlers, each with its parameters by name: what Hono makes of a result. */
function read([handlers, ids]: Result<string>): [string, Params][] {
  return handlers.map(([handler, params]) => [
    handler,
    Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, ids ? ids[Number(value)] : value]),
    ) as Params,
  ]);
}

/** Paths of ours with anything in place of their parameters, and anything of our words. */
function anyPath(): fc.Arbitrary<string> {
  const paths = [...new Set(routes.map(({ path }) => path))];
  const segment = fc.oneof(
    fc.constantFrom(...paths.flatMap((path) => path.split("/"))),
    fc.constant(null).map(newId),
    fc.string({ maxLength: 6 }).map(encodeURIComponent),
    fc.constantFrom("", "\0", "%00", "..", "-", ":id", "x".repeat(40)),
  );
  const filled = fc
    .tuple(fc.constantFrom(...paths), fc.array(segment, { minLength: 4, maxLength: 4 }))
    .map(([path, parts]) => path.replace(/:[^/]+|\*/g, () => parts.pop() ?? "-"));
  const made = fc.array(segment, { maxLength: 7 }).map((parts) => `/${parts.join("/")}`);
  return fc.oneof(filled, made);
}

const anyMethod = fc.constantFrom(
  "GET",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "ALL",
  "WORD",
);

test("any path, asked for twice, has the handlers and parameters that the tree finds", () => {
  fc.assert(
    fc.property(anyMethod, anyPath(), (asked, path) => {
      const found = read(tree.match(asked, path) as Result<string>);
      expect(read(router.match(asked, path))).toEqual(found);
      expect(read(router.match(asked, path))).toEqual(found);
    }),
    { numRuns: 3000 },
  );
});

test("each path of ours with ids where it has parameters is found by its shape", () => {
  for (const { method: asked, path } of routes.filter(({ method }) => method !== "ALL")) {
    const ids: string[] = [];
    const filled = path.replace(/:[A-Za-z]+/g, () => {
      ids.push(newId());
      return ids.at(-1) ?? "";
    });
    expect(read(router.match(asked, filled))).toEqual(read(tree.match(asked, filled)));
  }
});

test("what is added later counts", () => {
  const late = createRouter<string>();
  late.add("GET", "/a", "one");
  expect(read(late.match("GET", "/a"))).toEqual([["one", {}]]);
  late.add("GET", "/a", "two");
  expect(read(late.match("GET", "/a")).map(([handler]) => handler)).toEqual(["one", "two"]);
});

test("what does nothing is passed by no request, and found where a document is made", () => {
  const passing = createRouter<[H, RouterRoute]>({ isIdle: ([handler]) => isDescribing(handler) });
  const { routes } = createApp(app.served, []);
  for (const route of routes) passing.add(route.method, route.path, [route.handler, route]);
  const [handlers] = passing.match("POST", "/v1/auth/check");
  const passed = handlers.map(([[handler]]) => handler.name);
  expect(passed.slice(0, 2)).toEqual(["requestContext", "frontDoor"]);
  expect(passed).not.toContain("describeRoute");
  const all = routes.filter(({ path, method }) => `${method} ${path}` === "POST /v1/auth/check");
  expect(all.map(({ handler }) => handler.name)).toContain("describeRoute");
});

test("the handlers of a path are joined where their parameters are those of the last one", () => {
  const joining = createRouter<string>({ join: (handlers) => handlers.join("+") });
  joining.add("ALL", "/*", "all");
  joining.add("GET", "/a/:id", "one");
  joining.add("GET", "/b/:id/c", "b");
  joining.add("GET", "/b/:of/c", "c");
  const id = newId();
  expect(read(joining.match("GET", `/a/${id}`))).toEqual([["all+one", { id }]]);
  expect(read(joining.match("GET", `/b/${id}/c`))).toEqual([
    ["all", {}],
    ["b", { id }],
    ["c", { of: id }],
  ]);
});
