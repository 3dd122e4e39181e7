/** Clocks that differ by less are the same, in ms. */
const SAME_CLOCK_MS = 10_000

/**
 * When the person signed in, in s by the machine's clock, which oidc-provider compares it with. The
 * clock of lifetimes (`now`, epoch ms) differs from it where the machine's clock was set.
 */
export function toAuthTime(signedInAt: number, now: number): number {
  const ahead = Date.now() - now
  const at = Math.abs(ahead) < SAME_CLOCK_MS ? signedInAt : signedInAt + ahead
  // A shared store's clock may be some milliseconds ahead: nobody has signed in in the future.
  return Math.floor(Math.min(at, Date.now()) / 1000)
}
