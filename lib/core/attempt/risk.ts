export type MatchPolicy = 'risk' | 'always' | 'never'

/** Why the number has to be typed. `policy`: it is always required. */
export type MatchReason = 'policy' | 'new_browser' | 'other_network' | 'unknown_network'

/** The networks of computer and phone compared. `unknown`: at least one address is unknown. */
export type NetworkRelation = 'same' | 'other' | 'unknown'

/** Why the number has to be typed before the phone can confirm. Empty: not required. */
export function matchReasons(
  policy: MatchPolicy,
  { network, known }: { network: NetworkRelation; known: boolean },
): readonly MatchReason[] {
  if (policy === 'always') return ['policy']
  if (policy === 'never' || known || network === 'same') return []
  return ['new_browser', network === 'other' ? 'other_network' : 'unknown_network']
}

/** `a`, `b`: see `networkOf`. Null: the client's address is unknown. */
export function compareNetworks(a: string | null, b: string | null): NetworkRelation {
  if (a === null || b === null) return 'unknown'
  return a === b ? 'same' : 'other'
}
