/** Invitations, through the API and its mails. */
import { tokenIn } from "../auth/mails/mails.ts";
import { type Account, PASSWORD, randomName, type TestApp } from "../support/app.ts";

export type Invited = { id: string; email: string; token: string };

/** Asks for an invitation; answers what came of it. */
export function invite(app: TestApp, { accessToken: token }: Account, json: object = {}) {
  return app.call("POST /v1/invitations", {
    token,
    json: { email: `${randomName()}@invited.example`, ...json },
  });
}

/** Invites somebody, and answers what their mail holds. @throws Error when that is refused. */
export async function invited(app: TestApp, who: Account, json: object = {}): Promise<Invited> {
  const { status, body } = await invite(app, who, json);
  if (status !== 201) throw new Error(`an invitation answered ${status}: ${JSON.stringify(body)}`);
  return { id: body.id, email: body.email, token: tokenIn(await app.lastMailTo(body.email)) };
}

export function accept(app: TestApp, token: string, json: object = {}) {
  return app.call("POST /v1/invitations/accept", { json: { token, password: PASSWORD, ...json } });
}

export function inspect(app: TestApp, token: string) {
  return app.call("POST /v1/invitations/inspect", { json: { token } });
}

export function join(app: TestApp, { accessToken: token }: Account, invitation: string) {
  return app.call("POST /v1/invitations/join", { token, json: { token: invitation } });
}

/** Expects nothing of the link to work, and nobody to be made by it. */
export async function isVoid(
  app: TestApp,
  { token, email }: Omit<Invited, "id">,
): Promise<boolean> {
  const answers = [await inspect(app, token), await accept(app, token)];
  const made = await app.deps.db.user.count({ where: { email } });
  return (
    made === 0 &&
    answers.every(({ status, body }) => status === 400 && body.code === "invalid_one_time_token")
  );
}
