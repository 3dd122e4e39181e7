import type { Ending } from '@/lib/client/approval-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import styles from './approval.module.css'
import { Message, type Outcome } from './message'

type Text = Catalogue['approval']
type Words = { [K in keyof Text]: Text[K] extends string ? K : never }[keyof Text]

const ENDINGS: Record<Ending, { outcome: Outcome; title: Words; hints: Words[] }> = {
  declined: { outcome: 'no', title: 'declined', hints: ['declinedHint', 'declinedScam'] },
  cancelled_on_computer: { outcome: 'no', title: 'cancelledOnComputer', hints: [] },
  mismatch: { outcome: 'no', title: 'mismatch', hints: [] },
  expired: { outcome: 'late', title: 'expired', hints: ['expiredHint'] },
  ended: { outcome: 'late', title: 'ended', hints: [] },
  taken: { outcome: 'trouble', title: 'taken', hints: ['takenHint'] },
  unknown: { outcome: 'trouble', title: 'unknown', hints: ['unknownHint'] },
  signed_out: { outcome: 'no', title: 'signedOut', hints: [] },
  sign_out_failed: { outcome: 'trouble', title: 'signOutFailed', hints: ['signOutFailedHint'] },
}

/** How it ended, and the two ways on. Both are documents of their own. */
export function EndingMessage({ ending, text, host }: { ending: Ending; text: Text; host: string }) {
  const { outcome, title, hints } = ENDINGS[ending]
  return (
    <Message outcome={outcome} title={text[title]}>
      {hints.map((hint) => (
        <p key={hint} className="quiet">
          {format(text[hint], { host })}
        </p>
      ))}
      <p className={styles.ways}>
        <a className="button primary" href="/phone/scan">
          {text.scanAgain}
        </a>
        <a className="button" href="/phone">
          {text.yourComputers}
        </a>
      </p>
    </Message>
  )
}
