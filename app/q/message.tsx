import type { ReactNode } from 'react'
import styles from './approval.module.css'

const OUTCOMES = {
  wait: 'M7 12h.1M12 12h.1M17 12h.1',
  yes: 'M5 12.500l4.500 4.500L19 7.500',
  no: 'M7 7l10 10M17 7L7 17',
  late: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4l3 2',
  trouble: 'M12 6v7.500M12 17.500v.1',
}

export type Outcome = keyof typeof OUTCOMES

interface Props {
  outcome?: Outcome
  title: string
  hint?: string | undefined
  children?: ReactNode
}

/** A title with a picture of its outcome. */
export function Message({ outcome, title, hint, children }: Props) {
  return (
    <div className={styles.message}>
      {outcome === undefined ? null : (
        <svg className={styles.outcome} data-kind={outcome} viewBox="0 0 24 24" aria-hidden="true">
          <path d={OUTCOMES[outcome]} />
        </svg>
      )}
      <h1>{title}</h1>
      {hint === undefined ? null : <p className="quiet">{hint}</p>}
      {children}
    </div>
  )
}
