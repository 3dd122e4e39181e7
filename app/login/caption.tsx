import type { ReactNode } from 'react'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import { format } from '@/lib/i18n/format'
import { Button } from '../ui/button'
import { Countdown } from '../ui/countdown'
import { useText } from '../ui/page-text'
import styles from './caption.module.css'

export interface CaptionProps {
  screen: SignInScreen
  /** Where the phone types a short code. */
  host: string
  onStart: () => void
  onStartOver: () => void
  /** Shows the short code, or the QR code again. */
  onShortCode: (isWanted: boolean) => void
  /** The name of the app that is signed in to; null: our own home page. */
  app?: string | null
  /** Leads back to the app, without a sign-in. */
  onBack?: () => void
}

/** The words below the frame. */
export function Caption(props: CaptionProps) {
  return (
    <div className={styles.caption}>
      <Content {...props} />
    </div>
  )
}

function Content(props: CaptionProps): ReactNode {
  const { screen, host, onStart, onStartOver, onShortCode, app = null, onBack = () => {} } = props
  const text = useText('login')
  const common = useText('common')
  const notYou = <Button kind="link" label={text.notYou} onClick={onStartOver} />
  switch (screen.state) {
    case 'loading':
    case 'reconnecting':
      return <Words title={text[screen.state]} />
    // The button keeps its place and the focus.
    case 'ready':
      return (
        <Words title={text.ready} hint={text.readyHint}>
          <Button kind="link" label={text.useShortCode} onClick={() => onShortCode(true)} testId="use-short-code" />
        </Words>
      )
    case 'short_code':
      return (
        <Words title={text.shortCode} hint={format(text.shortCodeHint, { host })}>
          <Button kind="link" label={text.useQrCode} onClick={() => onShortCode(false)} testId="use-qr-code" />
        </Words>
      )
    case 'confirmed':
      return <Words title={text.confirmed} hint={text.confirmedHint} />
    case 'scanned':
    case 'match':
      return <Words title={text[screen.state]}>{notYou}</Words>
    case 'denied':
    case 'mismatch':
      return (
        <Words hint={text[`${screen.state}Hint` as const]}>
          {app === null ? null : (
            <Button kind="link" label={format(text.backTo, { app })} onClick={onBack} testId="back-to-app" />
          )}
        </Words>
      )
    case 'lost_request':
      return <Words hint={text.lostRequestHint} />
    case 'paused':
    case 'offline':
    case 'unavailable':
      return <Words hint={text[`${screen.state}Hint` as const]} />
    case 'rate_limited':
      return <Words hint={<Countdown text={common.rateLimitedHint} endsAt={screen.time.endsAt} />} />
    case 'error':
      return screen.reference === null ? null : <Words hint={format(common.reference, { id: screen.reference })} />
    case 'already':
      return <Button kind="link" label={text.useAnother} onClick={onStart} />
    case 'scan_timeout':
      return null
    default:
      return screen satisfies never
  }
}

function Words({ title, hint, children }: { title?: string; hint?: ReactNode; children?: ReactNode }) {
  return (
    <>
      {title === undefined ? null : <h2>{title}</h2>}
      {hint === undefined ? null : <p className="quiet">{hint}</p>}
      {children}
    </>
  )
}
