/** Why a command cannot do what it is for, in words for the operator: it ends with 2. */
export class CannotRun extends Error {
  override name = "CannotRun";
}
