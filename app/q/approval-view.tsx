import type { ReactNode } from 'react'
import type { ApprovalScreen, Ending } from '@/lib/client/approval-screen'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
import { Countdown } from '../ui/countdown'
import { type Texts, useText } from '../ui/page-text'
import styles from './approval.module.css'
import { ContinueButton } from './continue-button'
import { EndingMessage } from './ending-message'
import { Message } from './message'
import { Question } from './question'
import { TypeCode } from './type-code'

interface Props {
  screen: ApprovalScreen
  person: { name: string; avatarUrl: string | null } | null
  host: string
  /** The form for a phone that is not signed in. */
  signIn: ReactNode
  onContinue: () => void
  onTypeCode: (typed: string) => void
  onApprove: () => void
  onDecline: () => void
  onAddPasskey: () => void
  onSignOut: () => void
  onAgain: () => void
}

/** One state of the question. Pure. */
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
        <Body {...props} />
      </div>
    </main>
  )
}

function Body(props: Props): ReactNode {
  const { screen, person, host, signIn } = props
  const text = useText('approval')
  const common = useText('common')
  const again = (
    <button type="button" className="button" onClick={props.onAgain}>
      {common.tryAgain}
    </button>
  )
  switch (screen.state) {
    case 'opened':
      return (
        <Message title={format(text.opened, { name: person?.name ?? '' })} hint={text.openedHint}>
          <p className={styles.ways}>
            <ContinueButton label={text.continue} onContinue={props.onContinue} />
          </p>
        </Message>
      )
    case 'type_code':
      return (
        <Message title={text.typeCode} hint={text.typeCodeHint}>
          <TypeCode typed={screen.typed} problem={screen.problem} onTypeCode={props.onTypeCode} />
        </Message>
      )
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
          lock={screen.lock}
          problem={screen.problem}
          step={screen.state === 'submitting' ? screen.step : null}
          host={host}
          onApprove={props.onApprove}
          onDecline={props.onDecline}
          onAddPasskey={props.onAddPasskey}
        />
      )
    case 'approved':
      return (
        <Message outcome="yes" title={approvedTitle(screen, text)}>
          <p className={styles.wasntYou}>
            {text.wasntYou}
            <button
              type="button"
              className="button danger"
              disabled={screen.signOut !== 'offered'}
              onClick={props.onSignOut}
            >
              {screen.signOut === 'offered' ? text.signItOut : text.signingItOut}
            </button>
          </p>
          {screen.signOut === 'waiting' ? <p className="quiet">{text.signOutWaiting}</p> : null}
        </Message>
      )
    case 'offline':
      return (
        <Message outcome="trouble" title={common.offline}>
          {again}
        </Message>
      )
    case 'rate_limited':
      return (
        <Message outcome="late" title={common.rateLimited}>
          {/* Announced once, not every second. */}
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
    default:
      return <EndingMessage ending={screen.state satisfies Ending} host={host} />
  }
}

function approvedTitle({ app, isDevice }: { app: string | null; isDevice: boolean }, text: Texts<'approval'>): string {
  if (isDevice) return text.approvedDevice
  return app === null ? text.approved : format(text.approvedApp, { app })
}
