import type { ReactNode } from 'react'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
import { Button } from '../ui/button'
import type { DrawnCode } from './become'
import { CodeImage } from './code-image'
import styles from './login.module.css'
import { MatchForm } from './match-form'
import { Sign } from './sign'

export interface TileProps {
  screen: SignInScreen
  text: Catalogue['login']
  common: Catalogue['common']
  onStart: () => void
  onContinue: () => void
  onNumber: (number: string) => void
  onDrawn?: (code: DrawnCode) => void
}

/** What one state shows inside the frame. */
export function Tile({ screen, text, common, onStart, onContinue, onNumber, onDrawn }: TileProps): ReactNode {
  const newCode = <Button kind="primary" label={text.newCode} onClick={onStart} />
  switch (screen.state) {
    case 'loading':
      return <Loading />
    case 'ready':
      return <CodeImage url={screen.code.url} title={text.codeTitle} onDrawn={onDrawn} />
    case 'reconnecting':
      if (screen.code !== null) return <CodeImage url={screen.code.url} title={text.codeTitle} onDrawn={onDrawn} />
      return screen.person === null ? <Loading /> : <Avatar person={screen.person} size={112} />
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
      return (
        <Stopped state={screen.state} title={text.denied}>
          {newCode}
        </Stopped>
      )
    case 'mismatch':
      return (
        <Stopped state={screen.state} title={text.mismatch}>
          {newCode}
        </Stopped>
      )
    case 'scan_timeout':
      return (
        <Stopped state={screen.state} title={text.scanTimeout}>
          {newCode}
        </Stopped>
      )
    case 'paused':
      return (
        <Stopped state={screen.state} title={text.paused}>
          {newCode}
        </Stopped>
      )
    case 'offline':
      return <Stopped state={screen.state} title={text.offline} />
    case 'rate_limited':
      return <Stopped state={screen.state} title={common.rateLimited} />
    case 'unavailable':
      return <Stopped state={screen.state} title={text.unavailable} />
    case 'error':
      return (
        <Stopped state={screen.state} title={text.error}>
          <Button kind="primary" label={common.tryAgain} onClick={onStart} />
        </Stopped>
      )
  }
}

interface StoppedProps {
  state: Parameters<typeof Sign>[0]['state']
  title: string
  children?: ReactNode
}

function Stopped({ state, title, children }: StoppedProps) {
  return (
    <>
      <Sign state={state} />
      <h2>{title}</h2>
      {children}
    </>
  )
}

/** 5×5 modules, breathing. */
function Loading() {
  const cells = Array.from({ length: 25 }, (_, index) => ({ column: index % 5, row: Math.floor(index / 5) }))
  return (
    <svg className={styles.loading} viewBox="0 0 50 50" aria-hidden="true">
      {cells.map(({ column, row }) => (
        <rect
          key={`${column} ${row}`}
          data-wave={column + row}
          x={column * 10 + 1.5}
          y={row * 10 + 1.5}
          width="7"
          height="7"
          rx="2"
        />
      ))}
    </svg>
  )
}
