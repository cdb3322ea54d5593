/**
 * What property tests draw their inputs from. The same each time, so that a failure belongs to the change that shows it
 * and everybody can have it again; `PROPERTY_SEED=random` or another number looks at inputs that nobody has seen.
 */
const asked = process.env.PROPERTY_SEED ?? "1";

export const PROPERTY_SEED = asked === "random" ? Date.now() % 1_000_000_000 : Number(asked);
if (!Number.isSafeInteger(PROPERTY_SEED))
  throw new Error(`PROPERTY_SEED is a whole number or "random", and not "${asked}"`);
