/** What a tour of operations is given: it calls each one, and each answer is held against the OpenAPI document. */
import type { Account, Answer, CallOptions, TestApp } from "../support/app.ts";

export type Tour = {
  app: TestApp;
  /** Calls as `app.call` does, expects the status, and answers the body. */
  call(status: number, route: string, options?: CallOptions): Promise<Answer["body"]>;
  owner: Account & { tenantId: string };
  /** A super admin. */
  root: Account;
};
