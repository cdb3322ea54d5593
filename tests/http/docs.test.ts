import { describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { testApp } from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const app = testApp();

/** What a Content-Security-Policy allows for a kind of thing. */
async function allowed(directive: string): Promise<string[]> {
  const { headers } = await app.call("GET /docs");
  const policies = (headers.get("content-security-policy") ?? "").split("; ");
  return (
    policies
      .find((policy) => policy.startsWith(`${directive} `))
      ?.split(" ")
      .slice(1) ?? []
  );
}

describe("the page", () => {
  test("loads nothing but what we serve, with the type that nosniff demands, to GET and HEAD", async () => {
    const { status, headers, body } = await app.call("GET /docs");
    expect([status, headers.get("content-type")?.toLowerCase()]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
    const loaded = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
    expect(loaded).toEqual([
      "/docs/swagger-ui.css",
      "/docs/narrow.css",
      "/docs/swagger-ui-bundle.js",
      "/docs/start.js",
    ]);
    for (const path of loaded) {
      const type = path.endsWith(".css")
        ? "text/css; charset=utf-8"
        : "text/javascript; charset=utf-8";
      for (const method of ["GET", "HEAD"]) {
        const asset = await createApp(app.deps, []).request(path, { method });
        expect([asset.status, asset.headers.get("content-type")]).toEqual([200, type]);
        const size = (await asset.bytes()).length;
        if (method === "HEAD") expect(size).toBe(0);
        else expect(size).toBeGreaterThan(50);
      }
    }
  });

  test("has no script or style of its own, and its policy allows scripts from here alone", async () => {
    const { body } = await app.call("GET /docs");
    expect(body).not.toMatch(/<style|style=|<script>|<script [^>]*>[^<]|\son\w+=/);
    expect(await allowed("default-src")).toEqual(["'none'"]);
    expect(await allowed("script-src")).toEqual(["'self'"]);
    expect(await allowed("connect-src")).toEqual(["'self'"]);
    expect(await allowed("frame-ancestors")).toEqual(["'none'"]);
  });

  test("R58: is not there when DOCS is off, as it is in production unless asked for", async () => {
    const closed = createApp({ ...app.deps, config: { ...app.deps.config, docs: false } }, []);
    expect((await closed.request("/docs")).status).toBe(404);
    expect((await closed.request("/docs/swagger-ui.css")).status).toBe(404);
  });

  test("serves no file but its own", async () => {
    for (const path of [
      "package.json",
      "..%2fpackage.json",
      "swagger-ui.css.map",
      "index.html",
      "../package.json",
    ]) {
      expectProblem(await app.call(`GET /docs/${path}`), "not_found");
    }
  });
});
