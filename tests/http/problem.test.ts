/** What is thrown, and what of it the caller and the log are told. */
import { describe, expect, spyOn, test } from "bun:test";
import { Hono } from "hono";
import type { AppEnv } from "../../src/context.ts";
import { ApiError, ERRORS, type ErrorCode, NotFoundError } from "../../src/errors.ts";
import { problemHandler } from "../../src/http/problem.ts";
import { requestContext } from "../../src/http/request-context.ts";
import { createLog } from "../../src/log.ts";
import { testApp } from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const app = testApp();

/** The answer of a route that throws this, and what the log was told of it. */
async function thrown(fault: () => unknown) {
  const logged: string[] = [];
  const log = (level: string, message: string, fields?: object) => {
    if (level !== "info") logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
  };
  const probe = new Hono<AppEnv>()
    .use(requestContext({ ...app.deps, log }))
    .onError(problemHandler())
    .get("/", async () => {
      await fault();
      throw new Error("nothing was thrown");
    });
  const response = await probe.request("/");
  const { status, headers } = response;
  const body = (await response.json()) as Record<string, unknown>;
  return { answer: { status, headers, body }, logged: logged.join("\n") };
}

describe("R51: an error of ours", () => {
  test("has the status of its code, for each code, and is not logged unless it is a fault", async () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const details = code === "validation_failed" ? { errors: [{ path: "a", message: "b" }] } : {};
      const { answer, logged } = await thrown(() => {
        throw new ApiError(code, "Said to the caller.", details);
      });
      expectProblem(answer, code);
      expect(answer.body.detail).toBe("Said to the caller.");
      expect([code, logged !== ""]).toEqual([
        code,
        ["internal_error", "unavailable"].includes(code),
      ]);
      expect(ERRORS[code].status).toBeGreaterThanOrEqual(400);
    }
  });

  test("does not tell its cause", async () => {
    const cause = new Error("relation users: duplicate key");
    const { answer } = await thrown(() => {
      throw new ApiError("email_taken", "Another account has this address.", { cause });
    });
    expect(JSON.stringify(answer.body)).not.toContain("relation");
  });

  test("of a subclass is told like every other", async () => {
    const { answer } = await thrown(() => {
      throw new NotFoundError("user");
    });
    expectProblem(answer, "not_found");
  });

  test("says in Retry-After when to come back", async () => {
    const { answer } = await thrown(() => {
      throw new ApiError("overloaded", "Busy.", { retryAfterSeconds: 7 });
    });
    expect(answer.headers.get("retry-after")).toBe("7");
  });
});

describe("what nobody meant to throw", () => {
  test("is a 500 that says nothing, and is whole in the log", async () => {
    const { answer, logged } = await thrown(() => {
      throw new Error("the disk is on fire");
    });
    expectProblem(answer, "internal_error");
    expect(JSON.stringify(answer.body)).not.toContain("fire");
    expect(logged).toContain("Error: the disk is on fire");
    expect(logged).toContain("problem.test.ts");
    expect(logged).toContain(`${answer.headers.get("x-request-id")}`);
  });

  test("by Prisma is logged without the arguments of the call, which it prints", async () => {
    const data = { email: "someone@secret.example", passwordHash: "hunter2", nope: 1 } as never;
    const { answer, logged } = await thrown(() => app.deps.db.user.create({ data }));
    expectProblem(answer, "internal_error");
    expect(logged).toContain("PrismaClientValidationError: ");
    expect(logged).not.toMatch(/hunter2|secret\.example/);
  });

  test("is cut by the log itself, in whatever line it stands", () => {
    const write = spyOn(process.stdout, "write").mockReturnValue(true);
    const error = new Error("create({ email: 'someone@secret.example' })\n\nthe disk is full");
    createLog("debug")("warn", "a key is not settled", { error });
    const [[line]] = write.mock.calls as [[string]];
    write.mockRestore();
    expect(JSON.parse(line).error).toBe("Error: the disk is full");
  });

  test("by the database is a 500, when it is not one that will pass", async () => {
    const { answer, logged } = await thrown(() => app.deps.pool.query("SELECT nothing"));
    expectProblem(answer, "internal_error");
    expect(logged).toContain('column \\"nothing\\" does not exist');
  });

  test("by the database is a 503, when it will", async () => {
    const { answer } = await thrown(() =>
      app.deps.pool.query("SELECT pg_terminate_backend(pg_backend_pid())"),
    );
    expectProblem(answer, "unavailable");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
