/** Ids are UUIDv7 (RFC 9562, 5.7) made here: they sort by time, which keeps index pages together. */
export function newId(): string {
  return Bun.randomUUIDv7();
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a path segment can be an id at all. What cannot is not found, like every other id that is not there. */
export function isId(text: string): boolean {
  return UUID.test(text);
}
