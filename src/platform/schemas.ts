import { z } from "zod";
import { Email, line } from "../fields.ts";
import { Password } from "../users/schemas.ts";

export const BootstrapInput = z
  .strictObject({
    /** What the server wrote on its console. */
    token: z.string().min(1).max(512),
    email: Email,
    password: Password,
    firstName: line(120).optional(),
    lastName: line(120).optional(),
  })
  .meta({ ref: "BootstrapInput" });
export type BootstrapInput = z.infer<typeof BootstrapInput>;

export const ImpersonateInput = z
  .strictObject({
    /** Why: it stands in the tenant's audit log, and in what the user's session says of itself (`GET /v1/auth/me`). */
    reason: line(200),
  })
  .meta({ ref: "ImpersonateInput" });
export type ImpersonateInput = z.infer<typeof ImpersonateInput>;
