import styles from './sign.module.css'

export type SignState =
  | 'denied'
  | 'mismatch'
  | 'scan_timeout'
  | 'paused'
  | 'offline'
  | 'rate_limited'
  | 'unavailable'
  | 'error'
  | 'lost_request'

const CROSS = 'M7 7l10 10M17 7L7 17'
const TURN = 'M19 12a7 7 0 1 1-2.300-5.200M17.500 3v4h-4'
const EXCLAMATION = 'M12 6v7.500M12 17.500v.1'

/** Paths, not characters: the glyph of a symbol differs between systems. */
const SIGNS: Record<SignState, string> = {
  denied: CROSS,
  mismatch: CROSS,
  scan_timeout: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4l3 2',
  paused: TURN,
  // A plug out of its socket.
  offline:
    'M3 21l4-4M7.500 12.500l4 4-1.700 1.700a2.830 2.830 0 0 1-4-4zM9 14l2-2M12.500 17l1-1M21 3l-4 4M16.500 11.500l-4-4 1.700-1.700a2.830 2.830 0 0 1 4 4z',
  rate_limited: 'M7 4h10M7 20h10M8 4c0 5 8 5 8 8s-8 3-8 8M16 4c0 5-8 5-8 8s8 3 8 8',
  unavailable: EXCLAMATION,
  error: EXCLAMATION,
  lost_request: TURN,
}

/** The picture of a stopped sign-in. Decoration: the words are below it. */
export function Sign({ state }: { state: SignState }) {
  return (
    <svg className={styles.sign} viewBox="0 0 24 24" aria-hidden="true">
      <path d={SIGNS[state]} />
    </svg>
  )
}
