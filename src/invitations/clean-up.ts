import { oldRows } from "../db/old-rows.ts";

/** Kept for ninety days after they expire; lists tell of them until then. */
export const OLD_INVITATIONS = oldRows("invitations", "expires_at", "90 days");
