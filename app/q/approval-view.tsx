import type { ReactNode } from 'react'
import type { ApprovalScreen } from '@/lib/client/approval'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
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
          <strong>{person.name}</strong>
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
      return <Message title={text.checking} />
    case 'needs_sign_in':
      return (
        <Message title={text.needsSignIn} hint={text.needsSignInHint}>
          {signIn}
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
        <Message title={text.approved}>
          <p>
            {text.wasntYou}{' '}
            <button type="button" className="link danger" disabled={!screen.canSignOut} onClick={onSignOut}>
              {text.signItOut}
            </button>
          </p>
        </Message>
      )
    case 'signed_out':
      return <Message title={text.signedOut} />
    case 'declined':
      return <Message title={text.declined} hint={text.declinedHint} />
    case 'expired':
      return <Message title={text.expired} hint={text.expiredHint} />
    case 'ended':
      return <Message title={text.ended} />
    case 'taken':
      return <Message title={text.taken} hint={text.takenHint} />
    case 'unknown':
      return <Message title={text.unknown} hint={format(text.unknownHint, { host })} />
    case 'offline':
      return <Message title={common.offline}>{again}</Message>
    case 'error': {
      const reference = screen.reference === null ? undefined : format(common.reference, { id: screen.reference })
      return (
        <Message title={text.error} hint={reference}>
          {again}
        </Message>
      )
    }
  }
}

function Message({ title, hint, children }: { title: string; hint?: string | undefined; children?: ReactNode }) {
  return (
    <>
      <h1>{title}</h1>
      {hint === undefined ? null : <p className="quiet">{hint}</p>}
      {children}
    </>
  )
}
