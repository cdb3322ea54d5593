/** Of the top-level domain that no mail reaches (RFC 2606), and that no address given to us may have. */
export function isErased({ email }: { email: string }): boolean {
  return email.endsWith("@erased.invalid");
}
