import type { ReactNode } from 'react'
import type { ApprovalScreen } from '@/lib/client/approval'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
import { Countdown } from '../ui/countdown'
import styles from './approval.module.css'
import { Question } from './question'

interface Props {
  screen: ApprovalScreen
  locale: Locale
  text: Catalogue['approval']
  common: Catalogue['common']
  person: { name: string; avatarUrl: string | null } | null
  host: string
  /** The form for a phone that is not signed in. */
  signIn: ReactNode
  onApprove: () => void
  onDecline: () => void
  onSignOut: () => void
  onAgain: () => void
}

/** What one state of the question shows. Pure, so that every state can be looked at. */
export function ApprovalView(props: Props) {
  const { screen, person } = props
  return (
    <main className={styles.main} data-testid="review" data-state={screen.state}>
      {person === null || screen.state === 'needs_sign_in' ? null : (
        <p className={styles.identity}>
          <Avatar person={person} size={40} />
          {person.name}
        </p>
      )}
      <div className={styles.body} role="status">
        {bodyOf(props)}
      </div>
    </main>
  )
}

function bodyOf({ screen, locale, text, common, host, signIn, onApprove, onDecline, onSignOut, onAgain }: Props) {
  const again = (
    <button type="button" className="button" onClick={onAgain}>
      {common.tryAgain}
    </button>
  )
  switch (screen.state) {
    case 'checking':
      return <Message outcome="wait" title={text.checking} />
    case 'needs_sign_in':
      return (
        <Message title={text.needsSignIn} hint={text.needsSignInHint}>
          <div className={styles.signInHere}>{signIn}</div>
        </Message>
      )
    case 'review':
    case 'submitting':
      return (
        <Question
          review={screen.review}
          step={screen.state === 'submitting' ? screen.step : null}
          locale={locale}
          text={text}
          host={host}
          onApprove={onApprove}
          onDecline={onDecline}
        />
      )
    case 'approved':
      return (
        <Message outcome="yes" title={text.approved}>
          <p className={styles.wasntYou}>
            {text.wasntYou}
            <button type="button" className="button danger" disabled={!screen.canSignOut} onClick={onSignOut}>
              {text.signItOut}
            </button>
          </p>
        </Message>
      )
    case 'signed_out':
      return <Message outcome="no" title={text.signedOut} />
    case 'declined':
      return <Message outcome="no" title={text.declined} hint={text.declinedHint} />
    case 'expired':
      return <Message outcome="late" title={text.expired} hint={text.expiredHint} />
    case 'ended':
      return <Message outcome="late" title={text.ended} />
    case 'taken':
      return <Message outcome="trouble" title={text.taken} hint={text.takenHint} />
    case 'unknown':
      return <Message outcome="trouble" title={text.unknown} hint={format(text.unknownHint, { host })} />
    case 'offline':
      return (
        <Message outcome="trouble" title={common.offline}>
          {again}
        </Message>
      )
    case 'rate_limited':
      return (
        <Message outcome="late" title={common.rateLimited}>
          {/* Said once, not every second. */}
          <p className="quiet" aria-live="off">
            <Countdown text={common.rateLimitedHint} endsAt={screen.endsAt} />
          </p>
        </Message>
      )
    case 'error': {
      const reference = screen.reference === null ? undefined : format(common.reference, { id: screen.reference })
      return (
        <Message outcome="trouble" title={text.error} hint={reference}>
          {again}
        </Message>
      )
    }
  }
}

const OUTCOMES = {
  wait: 'M7 12h.1M12 12h.1M17 12h.1',
  yes: 'M5 12.500l4.500 4.500L19 7.500',
  no: 'M7 7l10 10M17 7L7 17',
  late: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4l3 2',
  trouble: 'M12 6v7.500M12 17.500v.1',
}

interface MessageProps {
  outcome?: keyof typeof OUTCOMES
  title: string
  hint?: string | undefined
  children?: ReactNode
}

function Message({ outcome, title, hint, children }: MessageProps) {
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
