import type { ReactNode } from 'react'
import type { ShownCode, ShownPerson, SignInScreen } from '@/lib/client/sign-in-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
import { useHydrated } from '../ui/use-hydrated'
import { CodeImage } from './code-image'
import { Countdown } from './countdown'
import styles from './login.module.css'
import { MatchForm } from './match-form'
import { Ring } from './ring'

interface Props {
  screen: SignInScreen
  text: Catalogue['login']
  common: Catalogue['common']
  onStart: () => void
  onStartOver: () => void
  onContinue: () => void
  onNumber: (number: string) => void
}

/** What one state shows: inside the frame, and in the caption below it. Pure, so that every state can be looked at. */
export function PanelView(props: Props) {
  const { screen, text } = props
  return (
    <div className={styles.panelBody} data-testid="qr-panel" data-state={screen.state}>
      <div className={styles.frame}>
        <Ring code={codeOf(screen)} isFull={screen.state === 'confirmed'} />
        <div className={styles.tile}>{tileOf(props)}</div>
      </div>
      <div className={styles.caption}>{captionOf(props, text)}</div>
    </div>
  )
}

function codeOf(screen: SignInScreen): ShownCode | null {
  return screen.state === 'ready' || screen.state === 'reconnecting' ? screen.code : null
}

function tileOf({ screen, text, onNumber }: Props): ReactNode {
  switch (screen.state) {
    case 'loading':
      return <Loading />
    case 'ready':
      return <CodeImage url={screen.code.url} title={text.codeTitle} />
    case 'reconnecting':
      if (screen.code !== null) return <CodeImage url={screen.code.url} title={text.codeTitle} />
      return screen.person === null ? <Loading /> : <Avatar person={screen.person} size={112} />
    case 'scanned':
      return <Greeting person={screen.person} text={text} />
    case 'match':
      return (
        <>
          <Avatar person={screen.person} size={72} />
          <MatchForm
            key={screen.attemptsLeft}
            label={text.match}
            error={screen.isWrong ? text.matchWrong : null}
            isSending={screen.isSending}
            onNumber={onNumber}
          />
        </>
      )
    case 'confirmed':
    case 'already':
      return <Avatar person={screen.person} size={132} />
    default:
      return <Sign state={screen.state} />
  }
}

function captionOf({ screen, common, onStart, onStartOver, onContinue }: Props, text: Props['text']): ReactNode {
  const newCode = <Button label={text.newCode} onClick={onStart} />
  const notYou = <Button kind="link" label={text.notYou} onClick={onStartOver} />
  switch (screen.state) {
    case 'loading':
      return <Caption title={text.loading} />
    case 'ready':
      return <Caption title={text.ready} hint={text.readyHint} />
    case 'scanned':
      return <Caption title={text.scanned}>{notYou}</Caption>
    case 'match':
      return <Caption title={text.match}>{notYou}</Caption>
    case 'confirmed':
      return <Caption title={text.confirmed} hint={text.confirmedHint} />
    case 'denied':
      return (
        <Caption title={text.denied} hint={text.deniedHint}>
          {newCode}
        </Caption>
      )
    case 'mismatch':
      return (
        <Caption title={text.mismatch} hint={text.mismatchHint}>
          {newCode}
        </Caption>
      )
    case 'scan_timeout':
      return <Caption title={text.scanTimeout}>{newCode}</Caption>
    case 'paused':
      return (
        <Caption title={text.paused} hint={text.pausedHint}>
          {newCode}
        </Caption>
      )
    case 'reconnecting':
      return <Caption title={text.reconnecting} />
    case 'offline':
      return <Caption title={text.offline} hint={text.offlineHint} />
    case 'rate_limited':
      return (
        <Caption title={text.rateLimited} hint={<Countdown text={text.rateLimitedHint} endsAt={screen.endsAt} />} />
      )
    case 'unavailable':
      return <Caption title={text.unavailable} hint={text.unavailableHint} />
    case 'error': {
      const reference = screen.reference === null ? undefined : format(common.reference, { id: screen.reference })
      return (
        <Caption title={text.error} hint={reference}>
          <Button label={common.tryAgain} onClick={onStart} />
        </Caption>
      )
    }
    case 'already':
      return (
        <Caption title={format(text.already, { name: screen.person.name })}>
          <Button label={text.continue} onClick={onContinue} />
          <Button kind="link" label={text.useAnother} onClick={onStart} />
        </Caption>
      )
  }
}

function Caption({ title, hint, children }: { title: string; hint?: ReactNode; children?: ReactNode }) {
  return (
    <>
      <h2>{title}</h2>
      {hint === undefined ? null : <p className="quiet">{hint}</p>}
      {children}
    </>
  )
}

interface ButtonProps {
  label: string
  onClick: () => void
  kind?: 'button primary' | 'link'
}

function Button({ label, onClick, kind = 'button primary' }: ButtonProps) {
  const isHydrated = useHydrated()
  return (
    <button type="button" className={kind} disabled={!isHydrated} data-waiting={!isHydrated} onClick={onClick}>
      {label}
    </button>
  )
}

function Greeting({ person, text }: { person: ShownPerson; text: Props['text'] }) {
  return (
    <>
      <Avatar person={person} size={112} />
      <p className={styles.hi}>{format(text.hi, { name: person.name })}</p>
    </>
  )
}

/** 5×5 modules, breathing. */
function Loading() {
  const cells = Array.from({ length: 25 }, (_, index) => index)
  return (
    <svg className={styles.loading} width="120" height="120" viewBox="0 0 50 50" aria-hidden="true">
      {cells.map((cell) => (
        <rect key={cell} x={(cell % 5) * 10 + 1} y={Math.floor(cell / 5) * 10 + 1} width="8" height="8" rx="2" />
      ))}
    </svg>
  )
}

type SignState =
  | 'denied'
  | 'mismatch'
  | 'scan_timeout'
  | 'paused'
  | 'offline'
  | 'rate_limited'
  | 'unavailable'
  | 'error'

const CROSS = 'M7 7l10 10M17 7L7 17'
const EXCLAMATION = 'M12 6v8M12 17.5v.5'

/** Drawn, not typed: a symbol's glyph differs from system to system. */
const SIGNS: Record<SignState, string> = {
  denied: CROSS,
  mismatch: CROSS,
  scan_timeout: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4l3 2',
  paused: 'M19 12a7 7 0 1 1-2-5M17.500 3v4h-4',
  offline: 'M4 16c4 0 3-8 7-8M20 8c-4 0-3 8-7 8M3 3l18 18',
  rate_limited: 'M7 4h10M7 20h10M8 4c0 5 8 5 8 8s-8 3-8 8M16 4c0 5-8 5-8 8s8 3 8 8',
  unavailable: EXCLAMATION,
  error: EXCLAMATION,
}

function Sign({ state }: { state: SignState }) {
  return (
    <svg className={styles.sign} width="56" height="56" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SIGNS[state]} />
    </svg>
  )
}
