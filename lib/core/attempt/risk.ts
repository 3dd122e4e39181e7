export type MatchPolicy = 'risk' | 'always' | 'never'

/**
 * Why the number has to be typed. `policy`: it is always required. `short_code`: the person has
 * typed the code, so the phone may be far from the computer.
 */
export type MatchReason = 'policy' | 'new_browser' | 'other_network' | 'unknown_network' | 'short_code'

/** The networks of computer and phone compared. `unknown`: at least one address is unknown. */
export type NetworkRelation = 'same' | 'other' | 'unknown'

/** What the match policy decides on. */
export interface Risk {
  network: NetworkRelation
  /** The person has signed in from this browser before. */
  known: boolean
  /** The code was typed, not read from the screen. */
  isTyped: boolean
}

/**
 * Why the number has to be typed before the phone can confirm. Empty: not required. After a typed
 * code it is required under every policy.
 */
export function matchReasons(policy: MatchPolicy, { isTyped, ...risk }: Risk): readonly MatchReason[] {
  const reasons = policyReasons(policy, risk)
  return isTyped ? ['short_code', ...reasons] : reasons
}

function policyReasons(policy: MatchPolicy, { network, known }: Omit<Risk, 'isTyped'>): readonly MatchReason[] {
  if (policy === 'always') return ['policy']
  if (policy === 'never' || known || network === 'same') return []
  return ['new_browser', network === 'other' ? 'other_network' : 'unknown_network']
}

/** `a`, `b`: see `networkOf`. Null: the client's address is unknown. */
export function compareNetworks(a: string | null, b: string | null): NetworkRelation {
  if (a === null || b === null) return 'unknown'
  return a === b ? 'same' : 'other'
}
