import type { z } from "zod";
import { ByToken } from "../mails/schemas.ts";

export const RestoreAccountInput = ByToken.meta({ ref: "RestoreAccountInput" });
export type RestoreAccountInput = z.infer<typeof RestoreAccountInput>;
