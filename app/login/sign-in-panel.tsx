'use client'

import { useRouter } from 'next/navigation'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { SignIn } from '@/lib/client/sign-in'
import type { ShownPerson } from '@/lib/client/sign-in-screen'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { useHydrated } from '../ui/use-hydrated'
import { Announcer } from './announcer'
import styles from './login.module.css'
import { PanelView } from './panel-view'

interface Props {
  text: Catalogue['login']
  common: Catalogue['common']
  already: ShownPerson | null
  nextPath: string
}

/** The panel of the login page, alive. */
export function SignInPanel({ text, common, already, nextPath }: Props) {
  const router = useRouter()
  // A document of its own, not a client-side step: the new session's page is made with the new session's cookie.
  const [signIn] = useState(() => new SignIn({ already, onSignedIn: () => location.assign(nextPath) }))
  const isHydrated = useHydrated()
  const [isShownAnyway, setShownAnyway] = useState(false)
  const screen = useSyncExternalStore(signIn.screen.subscribe, signIn.screen.get, signIn.screen.get)
  useEffect(() => signIn.open(), [signIn])

  const { state } = screen
  useEffect(() => {
    if (state === 'scanned') router.prefetch(nextPath)
  }, [state, router, nextPath])
  useEffect(() => {
    const isScanned = state === 'scanned' || state === 'match'
    document.title = state === 'confirmed' ? text.titleConfirmed : isScanned ? text.titleScanned : text.title
  }, [state, text])

  return (
    <section className={styles.panel} data-shown-anyway={isShownAnyway}>
      <div className={styles.onPhone}>
        <h2>{text.onPhone}</h2>
        <a className="button primary" href="/phone">
          {text.openApp}
        </a>
        <button type="button" className="link" disabled={!isHydrated} onClick={() => setShownAnyway(true)}>
          {text.showAnyway}
        </button>
      </div>
      <PanelView
        screen={screen}
        text={text}
        common={common}
        onStart={() => signIn.start()}
        onStartOver={() => void signIn.startOver()}
        onContinue={() => signIn.continueAsSignedIn()}
        onNumber={(number) => void signIn.match(number)}
      />
      <Announcer screen={screen} text={text} />
    </section>
  )
}
