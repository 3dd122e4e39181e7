import type { ReactNode } from 'react'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
import { Button } from '../ui/button'
import { useText } from '../ui/page-text'
import type { DrawnCode } from './become'
import { CodeImage } from './code-image'
import { LoadingModules } from './loading-modules'
import { MatchForm } from './match-form'
import { ShortCode } from './short-code'
import { Sign, type SignState } from './sign'
import styles from './tile.module.css'

export interface TileProps {
  screen: SignInScreen
  onStart: () => void
  onContinue: () => void
  onNumber: (number: string) => void
  onDrawn?: (code: DrawnCode) => void
}

/** The square inside the ring, with what one state shows in it, and the canvas for the mosaic. */
export function Tile(props: TileProps) {
  return (
    <>
      <div key={props.screen.state} className={styles.tile}>
        <Content {...props} />
      </div>
      <canvas className={styles.mosaic} hidden />
    </>
  )
}

function Content({ screen, onStart, onContinue, onNumber, onDrawn }: TileProps): ReactNode {
  const text = useText('login')
  const common = useText('common')
  const newCode = <Button kind="primary" label={text.newCode} onClick={onStart} />
  switch (screen.state) {
    case 'loading':
      return <LoadingModules />
    case 'ready':
      return <CodeImage url={screen.code.url} title={text.codeTitle} onDrawn={onDrawn} />
    case 'short_code':
      return screen.shortCode === null ? <LoadingModules /> : <ShortCode letters={screen.shortCode.letters} />
    case 'reconnecting':
      if (screen.code === null)
        return screen.person === null ? <LoadingModules /> : <Avatar person={screen.person} size={112} />
      if ('letters' in screen.code) return <ShortCode letters={screen.code.letters} />
      return <CodeImage url={screen.code.url} title={text.codeTitle} onDrawn={onDrawn} />
    case 'scanned':
      return (
        <>
          <Avatar person={screen.person} size={112} travels />
          <p className={styles.hi}>{format(text.hi, { name: screen.person.name })}</p>
        </>
      )
    case 'match':
      return (
        <>
          <Avatar person={screen.person} size={80} travels />
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
      return <Avatar person={screen.person} size={132} travels />
    case 'already':
      return (
        <>
          <Avatar person={screen.person} size={96} travels />
          <h2>{format(text.already, { name: screen.person.name })}</h2>
          <Button kind="primary" label={text.continue} onClick={onContinue} />
        </>
      )
    case 'denied':
    case 'mismatch':
    case 'paused':
      return (
        <Stopped state={screen.state} title={text[screen.state]}>
          {newCode}
        </Stopped>
      )
    case 'scan_timeout':
      return (
        <Stopped state={screen.state} title={text.scanTimeout}>
          {newCode}
        </Stopped>
      )
    case 'offline':
    case 'unavailable':
      return <Stopped state={screen.state} title={text[screen.state]} />
    case 'rate_limited':
      return <Stopped state={screen.state} title={common.rateLimited} />
    case 'error':
      return (
        <Stopped state={screen.state} title={text.error}>
          <Button kind="primary" label={common.tryAgain} onClick={onStart} />
        </Stopped>
      )
    case 'lost_request':
      return (
        <Stopped state="lost_request" title={text.lostRequest}>
          <a className="button primary" href="/">
            {text.home}
          </a>
        </Stopped>
      )
    default:
      return screen satisfies never
  }
}

function Stopped({ state, title, children }: { state: SignState; title: string; children?: ReactNode }) {
  return (
    <>
      <Sign state={state} />
      <h2>{title}</h2>
      {children}
    </>
  )
}
