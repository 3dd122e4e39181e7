'use client'

import { useEffect, useState } from 'react'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format, formatCountdown } from '@/lib/i18n/format'

type Texts = Catalogue['login']

/** Getting a code is quick; only when it takes longer it is worth a word. */
const LOADING_AFTER_MS = 1_000

interface Props {
  screen: SignInScreen
  text: Texts
  common: Catalogue['common']
  /** The panel is not on the screen. */
  isSilent?: boolean
}

/** One polite and one assertive region, in the page from the start; each state is said once. */
export function Announcer({ screen, text, common, isSilent = false }: Props) {
  const { urgent, words } = isSilent ? { urgent: false, words: '' } : announcementOf(screen, text, common)
  const delayMs = screen.state === 'loading' ? LOADING_AFTER_MS : 0
  const [said, setSaid] = useState({ urgent: false, words: '' })
  useEffect(() => {
    const timer = setTimeout(() => setSaid({ urgent, words }), delayMs)
    return () => clearTimeout(timer)
  }, [urgent, words, delayMs])
  return (
    <>
      <p className="visually-hidden" role="status">
        {said.urgent ? '' : said.words}
      </p>
      <p className="visually-hidden" role="alert">
        {said.urgent ? said.words : ''}
      </p>
    </>
  )
}

function announcementOf(
  screen: SignInScreen,
  text: Texts,
  common: Props['common'],
): { urgent: boolean; words: string } {
  const polite = (...words: string[]) => ({ urgent: false, words: words.join(' ') })
  const assertive = (...words: string[]) => ({ urgent: true, words: words.join(' ') })
  switch (screen.state) {
    case 'loading':
      return polite(text.loading)
    case 'ready':
      return polite(text.ready, text.readyHint)
    case 'scanned':
      return assertive(format(text.hi, { name: screen.person.name }), text.scanned)
    case 'match':
      return assertive(screen.isWrong ? text.matchWrong : text.match)
    case 'confirmed':
      return assertive(text.confirmed, text.confirmedHint)
    case 'denied':
      return assertive(text.denied, text.deniedHint)
    case 'mismatch':
      return assertive(text.mismatch, text.mismatchHint)
    case 'scan_timeout':
      return polite(text.scanTimeout)
    case 'paused':
      return polite(text.paused, text.pausedHint)
    case 'reconnecting':
      return polite(text.reconnecting)
    case 'offline':
      return polite(text.offline, text.offlineHint)
    case 'rate_limited':
      // Said at the start (and, by the next state, at the end), not with every second.
      return polite(common.rateLimited, format(common.rateLimitedHint, { time: formatCountdown(screen.time.periodMs) }))
    case 'unavailable':
      return polite(text.unavailable, text.unavailableHint)
    case 'error':
      return assertive(text.error)
    case 'already':
      return polite(format(text.already, { name: screen.person.name }))
  }
}
