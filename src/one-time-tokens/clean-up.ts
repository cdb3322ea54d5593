import { oldRows } from "../db/old-rows.ts";

/** Kept for a day after they expire. */
export const OLD_ONE_TIME_TOKENS = oldRows("one_time_tokens", "expires_at", "1 day");
