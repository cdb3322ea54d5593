import { expect } from "bun:test";
import { ERRORS, type ErrorCode } from "../../src/errors.ts";
import { Problem } from "../../src/http/operation.ts";
import type { Answer } from "../support/app.ts";

/** What must never be told to a caller: stacks, files, SQL, Prisma. */
const INTERNALS =
  /\\n +at |\.ts\b|node_modules|\bP[1-6]\d{3}\b|prisma|postgres|SELECT |INSERT |UPDATE |violates|relation "/i;

/** The answer is a problem of this code, whole by RFC 9457, in agreement with its own status, and tells nothing else. */
export function expectProblem(answer: Answer, code: ErrorCode): void {
  // First what tells most when it fails.
  expect(answer.body).toMatchObject({ code });
  expect(answer.status).toBe(ERRORS[code].status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(Problem.strict().safeParse(answer.body).error).toBeUndefined();
  expect(answer.body).toMatchObject({
    // R54: one of our problems has a registered type.
    type:
      code === "rate_limited"
        ? "https://iana.org/assignments/http-problem-types#quota-exceeded"
        : `urn:tenantry:problem:${code}`,
    title: ERRORS[code].title,
    status: answer.status,
    instance: `urn:tenantry:request:${answer.headers.get("x-request-id")}`,
  });
  expect(answer.body.errors === undefined).toBe(code !== "validation_failed");
  expect(JSON.stringify(answer.body)).not.toMatch(INTERNALS);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.has("www-authenticate")).toBe(answer.status === 401);
}

/** The fields that a validation problem complains of. */
export function paths(answer: Answer): string[] {
  return (answer.body.errors as { path: string }[]).map((error) => error.path);
}
