import type { Redeemed } from './attempt'

/** More than one channel was used, and the person was present (RFC 8176, section 2). */
export const SIGNED_BY_PHONE = ['mca', 'user'] as const

/**
 * How a sign-in has authenticated the person: authentication method references (RFC 8176). `hwk`:
 * the phone used a passkey. `otp`: the number was typed on the computer.
 */
export function amrOf({ passkey, match }: Redeemed['scan']): string[] {
  const used: string[] = [...SIGNED_BY_PHONE]
  if (passkey === true) used.push('hwk')
  if (match.passed) used.push('otp')
  return used
}
