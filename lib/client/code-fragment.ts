/**
 * Prefix of a code in the fragment that needs a tap before it may be scanned. It survives a reload,
 * a restored tab and a step in the history. No code contains this character.
 */
const WAITS_FOR_TAP = '~'

export interface CodeFragment {
  /** Empty if the fragment has none. */
  code: string
  waitsForTap: boolean
}

/** `hash`: as in `location.hash`. */
export function parseCodeFragment(hash: string): CodeFragment {
  const fragment = hash.slice(1)
  const waitsForTap = fragment.startsWith(WAITS_FOR_TAP)
  return { code: waitsForTap ? fragment.slice(WAITS_FOR_TAP.length) : fragment, waitsForTap }
}

/** Includes the `#`. Empty without a code. */
export function toHash({ code, waitsForTap }: CodeFragment): string {
  if (code === '') return ''
  return waitsForTap ? `#${WAITS_FOR_TAP}${code}` : `#${code}`
}
