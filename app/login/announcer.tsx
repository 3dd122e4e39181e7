'use client'

import { useEffect, useState } from 'react'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import { format, formatCountdown } from '@/lib/i18n/format'
import { type Texts, useText } from '../ui/page-text'
import { spell } from './short-code'

/** Most codes arrive sooner; a longer wait is announced. */
const LOADING_AFTER_MS = 1_000

interface Props {
  screen: SignInScreen
  /** Where the phone types a short code. */
  host: string
  /** The panel is not on the screen. */
  isSilent?: boolean
}

/** A polite and an assertive live region, both always in the page. Each state is announced once. */
export function Announcer({ screen, host, isSilent = false }: Props) {
  const text = useText('login')
  const common = useText('common')
  const { urgent, words } = isSilent ? polite() : announcementOf(screen, text, common, host)
  const isLoading = screen.state === 'loading' || (screen.state === 'short_code' && screen.shortCode === null)
  const delayMs = isLoading ? LOADING_AFTER_MS : 0
  const [announced, setAnnounced] = useState(polite)
  useEffect(() => {
    const timer = setTimeout(() => setAnnounced({ urgent, words }), delayMs)
    return () => clearTimeout(timer)
  }, [urgent, words, delayMs])
  return (
    <>
      <p className="visually-hidden" role="status">
        {announced.urgent ? '' : announced.words}
      </p>
      <p className="visually-hidden" role="alert">
        {announced.urgent ? announced.words : ''}
      </p>
    </>
  )
}

interface Announcement {
  urgent: boolean
  words: string
}

const polite = (...words: string[]): Announcement => ({ urgent: false, words: words.join(' ') })
const assertive = (...words: string[]): Announcement => ({ urgent: true, words: words.join(' ') })

function announcementOf(
  screen: SignInScreen,
  text: Texts<'login'>,
  common: Texts<'common'>,
  host: string,
): Announcement {
  switch (screen.state) {
    case 'loading':
    case 'reconnecting':
      return polite(text[screen.state])
    case 'short_code':
      if (screen.shortCode === null) return polite(text.loading)
      return polite(text.shortCode, spell(screen.shortCode.letters), format(text.shortCodeHint, { host }))
    case 'ready':
    case 'paused':
    case 'offline':
    case 'unavailable':
      return polite(text[screen.state], text[`${screen.state}Hint` as const])
    case 'confirmed':
    case 'denied':
    case 'mismatch':
      return assertive(text[screen.state], text[`${screen.state}Hint` as const])
    case 'scanned':
      return assertive(format(text.hi, { name: screen.person.name }), text.scanned)
    case 'match':
      return assertive(screen.isWrong ? text.matchWrong : text.match)
    case 'scan_timeout':
      return polite(text.scanTimeout)
    case 'rate_limited':
      // Announced at the start, and by the next state at the end; not every second.
      return polite(common.rateLimited, format(common.rateLimitedHint, { time: formatCountdown(screen.time.periodMs) }))
    case 'lost_request':
      return assertive(text.lostRequest, text.lostRequestHint)
    case 'error':
      return assertive(text.error)
    case 'already':
      return polite(format(text.already, { name: screen.person.name }))
    default:
      return screen satisfies never
  }
}
