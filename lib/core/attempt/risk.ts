export type MatchPolicy = 'risk' | 'always' | 'never'

/**
 * Why a number has to be typed: each is true of this attempt. `policy`: it is required every time.
 */
export type MatchReason = 'policy' | 'new_browser' | 'other_network' | 'unknown_network'

/**
 * How the networks of computer and phone compare. Unknown addresses are never on the same network.
 */
export type NetworkRelation = 'same' | 'other' | 'unknown'

/** Why the number has to be typed before the phone can confirm; empty when it need not be. */
export function matchReasons(
  policy: MatchPolicy,
  { network, known }: { network: NetworkRelation; known: boolean },
): readonly MatchReason[] {
  if (policy === 'always') return ['policy']
  if (policy === 'never' || known || network === 'same') return []
  return ['new_browser', network === 'other' ? 'other_network' : 'unknown_network']
}

/** `a`, `b`: by `networkOf`; null when a client's address is unknown. */
export function compareNetworks(a: string | null, b: string | null): NetworkRelation {
  if (a === null || b === null) return 'unknown'
  return a === b ? 'same' : 'other'
}
