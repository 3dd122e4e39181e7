import type { Ending } from '@/lib/client/approval-screen'
import { format } from '@/lib/i18n/format'
import { type Texts, useText } from '../ui/page-text'
import styles from './approval.module.css'
import { Message, type Outcome } from './message'

type Text = Texts<'approval'>
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

/** How it ended, and two links. Both load a new document. */
export function EndingMessage({ ending, host }: { ending: Ending; host: string }) {
  const text = useText('approval')
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
