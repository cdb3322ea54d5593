/** The handlers of a route as one, which waits only where one of them does. */
import type { Context as HonoContext } from "hono";
import type { ErrorHandler, H, Next, RouterRoute } from "hono/types";

/** What Hono's router holds: a handler, and where it was added. */
type Step = [handler: H, route: RouterRoute];

/** Of Hono's `routeIndex`: the one route that a joined handler has, and none. */
const OF_ROUTE = 0;
const OF_NONE = 1;

/**
 * Joins the handlers of a route, each within the one before it, by the rules of Hono's own `compose`: what one throws is
 * answered at once, so that those around it go on as after any answer, and of two answers the first counts. Hono makes a
 * promise at each step and waits for it, whether there is something to wait for or not.
 */
export function joinHandlers(steps: readonly Step[], onError: ErrorHandler): Step {
  const handlers = steps.map(([handler]) => handler);
  // What stands before all routes answers for none of them (route.ts).
  const places = steps.map(([, { path }]) => (path.endsWith("*") ? OF_NONE : OF_ROUTE));

  function step(c: HonoContext, at: number, beyond: Next): unknown {
    const handler = handlers[at];
    try {
      if (!handler) return beyond();
      c.req.routeIndex = places[at] ?? OF_NONE;
      const answer: unknown = handler(c, () => step(c, at + 1, beyond) as Promise<void>);
      if (!(answer instanceof Promise)) return take(c, answer);
      return answer.then(
        (late) => take(c, late),
        (err) => refuse(c, err),
      );
    } catch (err) {
      return refuse(c, err);
    }
  }

  function refuse(c: HonoContext, err: unknown): unknown {
    if (!(err instanceof Error)) throw err;
    c.error = err;
    return after(onError(err, c), (answer) => {
      c.res = answer;
    });
  }

  function joined(c: HonoContext, next: Next): Promise<Response> {
    return after(step(c, 0, next), () => {
      if (!c.finalized) throw new Error("no handler answered, and none passed it on");
      return c.res;
    });
  }
  const [, route] = steps.at(-1) as Step;
  return [joined, route];
}

function take(c: HonoContext, answer: unknown): void {
  if (answer instanceof Response && !c.finalized) c.res = answer;
}

/**
 * Goes on with what is there, or will be. It is said to be a promise, as Hono's types want it of what stands around a
 * route, and is none where there was nothing to wait for: what takes it as it comes saves a turn, and `await` takes both.
 */
export function after<Given, Made>(
  given: Given | Promise<Given>,
  goOn: (given: Given) => Made | Promise<Made>,
): Promise<Made> {
  const made = given instanceof Promise ? given.then(goOn) : goOn(given);
  return made as Promise<Made>;
}
