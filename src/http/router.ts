/** Which handlers answer a path: Hono's own search, done once for each path or shape of path that we wrote. */
import type { Params, Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { newId } from "../db/id.ts";

/** An id as `pathOf` leaves it: a whole segment, in lower case, with the slash before it. */
const ID = /\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=\/|$)/g;
const ID_LENGTH = 36;
const NO_IDS: string[] = [];
const PARAMETER = /(?<=\/):[A-Za-z]+(?=\/|$)/g;
/** What stands for an id in a shape: no URL has it. */
const HOLE = "\0";

/** Handlers, each with the place that its parameters have among the ids of a path. */
type Found<Handler> = [Handler, Record<string, number>][];

function idsIn(path: string): string[] {
  return path.match(ID)?.map((segment) => segment.slice(1)) ?? NO_IDS;
}

type Options<Handler> = {
  /** Of handlers that do nothing: no request passes them. */
  isIdle?: (handler: Handler) => boolean;
  /** Makes one handler of all that answer a shape. */
  join?: (handlers: Handler[]) => Handler;
};

/**
 * A path of ours may have a word where another one has a parameter (`/v1/users/export`, `/v1/users/:id`): the only router of
 * Hono's that takes both walks a tree for every request. Its answer is the same for all paths that differ in their ids
 * alone, so it is asked once for each, and for every path that is none of these.
 */
export function createRouter<Handler>({ isIdle, join }: Options<Handler> = {}): Router<Handler> {
  const tree = new TrieRouter<Handler>();
  const methods = new Set<string>();
  /** The paths that were added, with a hole for each parameter, and how many: no other path is remembered. */
  const shapes = new Map<string, number>();
  const known = new Map<string, Found<Handler> | null>();

  function search(method: string, shape: string): Found<Handler> | null {
    const ids: string[] = [];
    const path = shape.replaceAll(HOLE, () => {
      const id = newId();
      ids.push(id);
      return id;
    });
    const [handlers] = tree.match(method, path) as [[Handler, Params][]];
    const found: Found<Handler> = [];
    for (const [handler, params] of handlers) {
      const places = Object.entries(params).map(([name, id]) => [name, ids.indexOf(id)] as const);
      // A parameter of several segments is none of the ids.
      if (places.some(([, place]) => place === -1)) return null;
      found.push([handler, Object.fromEntries(places)]);
    }
    const [, places] = found.at(-1) ?? [];
    const isOf = (some: object) =>
      Object.entries(some).every(([name, place]) => places?.[name] === place);
    // A handler asks for its parameters by name: they have to be those of the last one, or none.
    return join && places && found.every(([, own]) => isOf(own))
      ? [[join(found.map(([handler]) => handler)), places]]
      : found;
  }

  return {
    name: "remembering",
    add(method, path, handler) {
      if (isIdle?.(handler)) return;
      tree.add(method, path, handler);
      known.clear();
      methods.add(method);
      const shape = path.replace(PARAMETER, HOLE);
      shapes.set(shape, shape.split(HOLE).length - 1);
    },
    match(method, path): Result<Handler> {
      const ids = path.length > ID_LENGTH ? idsIn(path) : NO_IDS;
      const shape = ids.length === 0 ? path : path.replace(ID, `/${HOLE}`);
      if (shapes.get(shape) !== ids.length || !methods.has(method)) return tree.match(method, path);
      const key = `${method} ${shape}`;
      let found = known.get(key);
      if (found === undefined) {
        found = search(method, shape);
        known.set(key, found);
      }
      return found === null ? tree.match(method, path) : [found, ids];
    },
  };
}
