/**
 * Stands before a code in the fragment while it waits for a tap. A reload, a restored tab and a
 * page out of the history find it there, so that none of them scans what the person has not agreed
 * to. No code contains it.
 */
const WAITS_FOR_TAP = '~'

export interface CodeFragment {
  /** Empty when there is none. */
  code: string
  waitsForTap: boolean
}

/** `hash`: as in `location.hash`. */
export function parseCodeFragment(hash: string): CodeFragment {
  const fragment = hash.slice(1)
  const waitsForTap = fragment.startsWith(WAITS_FOR_TAP)
  return { code: waitsForTap ? fragment.slice(WAITS_FOR_TAP.length) : fragment, waitsForTap }
}

/** With its `#`; empty without a code. */
export function toHash({ code, waitsForTap }: CodeFragment): string {
  if (code === '') return ''
  return waitsForTap ? `#${WAITS_FOR_TAP}${code}` : `#${code}`
}
