/** Clocks that differ by less are the same, in ms. */
const SAME_CLOCK_MS = 10_000

/**
 * When the person signed in, in s by the machine's clock, which oidc-provider compares it with. The
 * clock of lifetimes (`now`, epoch ms) differs from it where the machine's clock was set.
 */
export function toAuthTime(signedInAt: number, now: number): number {
  const ahead = Date.now() - now
  return Math.floor((Math.abs(ahead) < SAME_CLOCK_MS ? signedInAt : signedInAt + ahead) / 1000)
}
