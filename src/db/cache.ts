/** What the database says, kept in memory for as long as the listener would tell that it says something else. */
import { LRUCache } from "lru-cache";
import type { Listener } from "./listener.ts";

export type Cache<Loaded> = {
  /** Asks the database for what is not known, and for everything while changes may be missed. */
  get(key: string): Promise<Loaded>;
  /** Drops what is known of a key; without one, of all. */
  forget(key?: string): void;
  watch(listener: Pick<Listener, "healthy">): void;
};

/**
 * @param max how many values are kept. Of more, those go that were not used for longest.
 * @param load answers null for what there is not: that is never kept.
 */
export function createCache<Loaded extends object | null>(
  max: number,
  load: (key: string) => Promise<Loaded>,
): Cache<Loaded> {
  const known = new LRUCache<string, NonNullable<Loaded>>({ max });
  /** Not among the known: questions for what there is not, however many, push nothing out. */
  const underWay = new Map<string, Promise<Loaded>>();
  let listener: Pick<Listener, "healthy"> = { healthy: false };

  async function loadOnce(key: string): Promise<Loaded> {
    const loading = load(key);
    underWay.set(key, loading);
    // A change that came while the query ran may not be in its answer: whoever asked before it may have that, nobody after.
    const isCurrent = () => underWay.get(key) === loading;
    try {
      const value = await loading;
      if (value && isCurrent() && listener.healthy) known.set(key, value);
      return value;
    } finally {
      if (isCurrent()) underWay.delete(key);
    }
  }

  return {
    async get(key) {
      if (!listener.healthy) return load(key);
      return known.get(key) ?? underWay.get(key) ?? loadOnce(key);
    },
    forget(key) {
      for (const map of [known, underWay]) {
        if (key === undefined) map.clear();
        else map.delete(key);
      }
    },
    watch(source) {
      listener = source;
    },
  };
}
