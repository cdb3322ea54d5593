/** Joined handlers answer, and leave to each other, what Hono's own composition does. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Context, Hono } from "hono";
import { routePath } from "hono/route";
import type { H, RouterRoute } from "hono/types";
import { after, joinHandlers } from "../../src/http/join-handlers.ts";
import { createRouter } from "../../src/http/router.ts";

/** What a handler does: before those behind it, in their place, and after them. */
type Kind = {
  waits: boolean;
  does: "passes" | "passes and awaits" | "answers" | "throws" | "throws after" | "answers after";
  header: boolean;
};

const kind: fc.Arbitrary<Kind> = fc.record({
  waits: fc.boolean(),
  does: fc.constantFrom(
    "passes",
    "passes",
    "passes and awaits",
    "passes and awaits",
    "answers",
    "throws",
    "throws after",
    "answers after",
  ),
  header: fc.boolean(),
});

function handlerOf({ waits, does, header }: Kind, at: number, said: string[]): H {
  const begin = (c: Context) => {
    said.push(`${at} begins`);
    if (header) c.header(`x-${at}`, does.replaceAll(" ", "-"));
    if (does === "throws") throw new Error(`${at} threw`);
  };
  const end = (c: Context) => {
    said.push(`${at} ends with ${c.finalized ? c.res.status : "nothing"} ${c.error?.message}`);
    if (does === "throws after") throw new Error(`${at} threw late`);
    return does === "answers after" ? c.text(`${at} late`) : undefined;
  };
  if (waits)
    return async (c, next) => {
      await null;
      begin(c);
      if (does === "answers") return c.text(`${at}`);
      await next();
      return end(c);
    };
  return (c, next) => {
    begin(c);
    if (does === "answers") return c.text(`${at}`);
    if (does === "passes") return next();
    return after<unknown, Response | undefined>(next(), () => end(c));
  };
}

async function ask(kinds: Kind[], isJoined: boolean) {
  const said: string[] = [];
  const onError = (err: Error, c: Context) => c.text(`error: ${err.message}`, 500);
  const router = createRouter<[H, RouterRoute]>(
    isJoined ? { join: (steps) => joinHandlers(steps, onError) } : {},
  );
  const app = new Hono({ router });
  app.onError(onError);
  app.notFound((c) => c.text("nothing here", 404));
  const [first, ...rest] = kinds.map((kind, at) => handlerOf(kind, at, said));
  app.use(async (c, next) => {
    await next();
    const path = routePath(c);
    said.push(`on ${path === "" ? "/*" : path}, ${c.req.param("id")}`);
  });
  if (first) app.use(first);
  for (const handler of rest) app.get("/things/:id", handler);
  const answer = await app.request("/things/0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7");
  return { said, status: answer.status, text: await answer.text(), fields: [...answer.headers] };
}

test("whatever the handlers do, it comes to the same in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { minLength: 2, maxLength: 5 }), async (kinds) => {
      expect(await ask(kinds, true)).toEqual(await ask(kinds, false));
    }),
    { numRuns: 1500 },
  );
});

test("what waits for nothing is answered without a promise, and what nobody answers is a fault", async () => {
  const app = (handler: H) =>
    new Hono({
      router: createRouter<[H, RouterRoute]>({
        join: (steps) => joinHandlers(steps, () => Response.error()),
      }),
    })
      .use((_, next) => after(next(), () => undefined))
      .get("/a", handler);
  expect(app((c) => c.text("a")).fetch(new Request("http://localhost/a"))).toBeInstanceOf(Response);
  const silent = new Hono({
    router: createRouter<[H, RouterRoute]>({
      join: (steps) => joinHandlers(steps, () => Response.error()),
    }),
  });
  silent.onError((err) => new Response(err.message, { status: 500 }));
  silent.use(() => undefined as never).get("/a", (c) => c.text("a"));
  const answer = await silent.request("/a");
  expect([answer.status, await answer.text()]).toEqual([
    500,
    "no handler answered, and none passed it on",
  ]);
});
