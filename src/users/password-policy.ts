import type { Config } from "../config.ts";
import { PASSWORD_MAX_LENGTH } from "../crypto/password.ts";
import { ValidationError } from "../errors.ts";

/**
 * Length is what counts, in code points of the normalised text; no rules on what characters it is made of
 * (SP 800-63B-4, 3.1.1.2). @throws ValidationError that names `path`.
 */
export function assertAcceptablePassword(
  config: Pick<Config, "passwordMinLength">,
  password: string,
  path = "password",
): void {
  const length = [...password.normalize("NFC")].length;
  if (length < config.passwordMinLength) {
    throw new ValidationError([
      { path, message: `Must have at least ${config.passwordMinLength} characters` },
    ]);
  }
  if (length > PASSWORD_MAX_LENGTH) {
    throw new ValidationError([
      { path, message: `May have at most ${PASSWORD_MAX_LENGTH} characters` },
    ]);
  }
}
