/** Why a start ends, in words for the operator. */
export class StartFault extends Error {
  override name = "StartFault";
}
