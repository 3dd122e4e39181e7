import type { ReactNode } from 'react'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { Button } from '../ui/button'
import { Countdown } from '../ui/countdown'

export interface CaptionProps {
  screen: SignInScreen
  text: Catalogue['login']
  common: Catalogue['common']
  onStart: () => void
  onStartOver: () => void
}

/** What one state says below the frame. */
export function Caption({ screen, text, common, onStart, onStartOver }: CaptionProps): ReactNode {
  const notYou = <Button kind="link" label={text.notYou} onClick={onStartOver} />
  switch (screen.state) {
    case 'loading':
      return <Words title={text.loading} />
    case 'ready':
      return <Words title={text.ready} hint={text.readyHint} />
    case 'scanned':
      return <Words title={text.scanned}>{notYou}</Words>
    case 'match':
      return <Words title={text.match}>{notYou}</Words>
    case 'confirmed':
      return <Words title={text.confirmed} hint={text.confirmedHint} />
    case 'reconnecting':
      return <Words title={text.reconnecting} />
    case 'denied':
      return <Words hint={text.deniedHint} />
    case 'mismatch':
      return <Words hint={text.mismatchHint} />
    case 'paused':
      return <Words hint={text.pausedHint} />
    case 'offline':
      return <Words hint={text.offlineHint} />
    case 'rate_limited':
      return <Words hint={<Countdown text={common.rateLimitedHint} endsAt={screen.time.endsAt} />} />
    case 'unavailable':
      return <Words hint={text.unavailableHint} />
    case 'error':
      return screen.reference === null ? null : <Words hint={format(common.reference, { id: screen.reference })} />
    case 'already':
      return <Button kind="link" label={text.useAnother} onClick={onStart} />
    case 'scan_timeout':
      return null
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
