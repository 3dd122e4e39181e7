'use client'

import { useRouter } from 'next/navigation'
import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { SignIn } from '@/lib/client/sign-in'
import type { ShownPerson } from '@/lib/client/sign-in-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { Announcer } from './announcer'
import { becomePerson, type DrawnCode } from './become'
import { PanelShell } from './panel-shell'
import { PanelView } from './panel-view'
import { useWideOnce } from './use-wide-once'

interface Props {
  text: Catalogue['login']
  common: Catalogue['common']
  already: ShownPerson | null
  nextPath: string
}

/** The panel of the login page, alive. On a phone it asks first: a code on the phone's own screen helps few. */
export function SignInPanel({ text, common, already, nextPath }: Props) {
  const router = useRouter()
  // A document of its own, not a client-side step: the new session's page is made with the new session's cookie.
  const [signIn] = useState(() => new SignIn({ already, onSignedIn: () => location.assign(nextPath) }))
  const [isWanted, setWanted] = useState(false)
  const isWide = useWideOnce()
  const isShown = isWide || isWanted
  const screen = useSyncExternalStore(signIn.screen.subscribe, signIn.screen.get, signIn.screen.get)
  // No attempt for a code that nobody sees; and for one that is seen, none is waited for longer than it has to be.
  useLayoutEffect(() => (isShown ? signIn.open() : undefined), [signIn, isShown])

  const { state } = screen
  const isScanned = state === 'scanned' || state === 'match'
  useEffect(() => {
    if (isScanned) router.prefetch(nextPath)
  }, [isScanned, router, nextPath])
  useEffect(() => {
    document.title = state === 'confirmed' ? text.titleConfirmed : isScanned ? text.titleScanned : text.title
  }, [state, isScanned, text])

  const panel = useRef<HTMLDivElement>(null)
  const drawn = useRef<DrawnCode | null>(null)
  const onDrawn = useCallback((code: DrawnCode) => {
    drawn.current = code
  }, [])
  // Before the first frame of the new state, or that would show the avatar already.
  useLayoutEffect(() => {
    const code = drawn.current
    if (state !== 'ready' && state !== 'reconnecting') drawn.current = null
    const canvas = panel.current?.querySelector('canvas')
    const avatar = panel.current?.querySelector('.avatar')
    if (!isScanned || code === null || !canvas || !avatar) return
    return becomePerson(canvas, avatar, code)
  }, [state, isScanned])

  return (
    <PanelShell text={text} isShown={isShown} onShow={() => setWanted(true)}>
      <PanelView
        ref={panel}
        screen={screen}
        text={text}
        common={common}
        onStart={() => signIn.start()}
        onStartOver={() => void signIn.startOver()}
        onContinue={() => signIn.continueAsSignedIn()}
        onNumber={(number) => void signIn.match(number)}
        onDrawn={onDrawn}
      />
      <Announcer screen={screen} text={text} common={common} isSilent={!isShown} />
    </PanelShell>
  )
}
