'use client'

import { useRouter } from 'next/navigation'
import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { declineApp } from '@/lib/client/decline-app'
import { SignIn } from '@/lib/client/sign-in'
import type { ShownPerson } from '@/lib/client/sign-in-screen'
import { useText } from '../ui/page-text'
import { Announcer } from './announcer'
import { becomePerson, type DrawnCode } from './become'
import { PanelShell } from './panel-shell'
import { PanelView } from './panel-view'
import type { RequestingAppView } from './requesting-app'
import { useWideOnce } from './use-wide-once'

interface Props {
  already: ShownPerson | null
  nextPath: string
  /** Where the phone types a short code. */
  host: string
  /** The app that has sent the browser here; null: none has. */
  app?: RequestingAppView | null
}

/**
 * State and effects of the login page. On a phone it starts only on request: a phone cannot scan
 * its own screen.
 */
export function SignInPanel({ already, nextPath, host, app = null }: Props) {
  const text = useText('login')
  const router = useRouter()
  const [signIn] = useState(
    () =>
      new SignIn({
        already,
        interaction: app?.interaction,
        isRequestLost: app?.isLost,
        // A full page load, so that the server renders the page with the new session cookie.
        onSignedIn: (next) => location.assign(next ?? nextPath),
      }),
  )
  const [isWanted, setWanted] = useState(false)
  const isWide = useWideOnce()
  const isShown = isWide || isWanted || app?.isLost === true
  const screen = useSyncExternalStore(signIn.screen.subscribe, signIn.screen.get, signIn.screen.get)
  // No attempt for a code that is not visible; for a visible one, before the first paint.
  useLayoutEffect(() => (isShown ? signIn.open() : undefined), [signIn, isShown])

  const { state } = screen
  const isScanned = state === 'scanned' || state === 'match'
  useEffect(() => {
    if (isScanned && app === null) router.prefetch(nextPath)
  }, [isScanned, router, nextPath, app])
  useEffect(() => {
    document.title = state === 'confirmed' ? text.titleConfirmed : isScanned ? text.titleScanned : text.title
  }, [state, isScanned, text])

  const panel = useRef<HTMLDivElement>(null)
  const drawn = useRef<DrawnCode | null>(null)
  const onDrawn = useCallback((code: DrawnCode) => {
    drawn.current = code
  }, [])
  // Before the first frame of the new state, which would show the avatar at once.
  useLayoutEffect(() => {
    const code = drawn.current
    if (state !== 'ready' && state !== 'reconnecting') drawn.current = null
    const canvas = panel.current?.querySelector('canvas')
    const avatar = panel.current?.querySelector('.avatar')
    if (!isScanned || code === null || !canvas || !avatar) return
    return becomePerson(canvas, avatar, code)
  }, [state, isScanned])

  /** Shows the page again where the request has run out. */
  async function goBack(interaction: string) {
    const next = await declineApp(interaction)
    if (next === null) location.reload()
    else location.assign(next)
  }

  return (
    <PanelShell isShown={isShown} onShow={() => setWanted(true)}>
      <PanelView
        ref={panel}
        screen={screen}
        host={host}
        app={app?.view?.name ?? null}
        onBack={() => void goBack(app?.interaction ?? '')}
        onStart={() => signIn.start()}
        onStartOver={() => void signIn.startOver()}
        onShortCode={(isWanted) => signIn.wantShortCode(isWanted)}
        onContinue={() => signIn.continueAsSignedIn()}
        onNumber={(number) => void signIn.match(number)}
        onDrawn={onDrawn}
      />
      <Announcer screen={screen} host={host} isSilent={!isShown} />
    </PanelShell>
  )
}
