/** A bounded memory of what was used lately. */
import { LRUCache } from "lru-cache";

/**
 * Holds `most` values; of more, those go that were not used for longest. It grows with what is put in, where `max` of the
 * library takes the room for all at once: 28 bytes each, and so 2.8 MB for a hundred thousand that may never come.
 * @param forgetMillis after which a value is forgotten, however often it was used.
 */
export function createRecent<Value extends object | number | true>(
  most: number,
  forgetMillis = 0,
): LRUCache<string, Value> {
  return new LRUCache({ maxSize: most, sizeCalculation: one, ttl: forgetMillis });
}

function one(): number {
  return 1;
}
