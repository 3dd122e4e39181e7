'use client'

import { useEffect, useRef, useState } from 'react'
import { call } from '@/lib/client/api'
import { followAccount } from '@/lib/client/follow-account'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import type { SessionView } from '@/lib/session/session'
import { Greeting } from './greeting'
import styles from './home.module.css'
import { Ago } from './ui/ago'
import { SessionList } from './ui/session-list'
import { useHydrated } from './ui/use-hydrated'

interface Props {
  locale: Locale
  text: Catalogue['home']
  phoneText: Catalogue['phone']
  unknownDevice: string
  name: string
  signedInAt: string
}

/** The signed-in computer's page, which learns at once when it is signed out from elsewhere. */
export function HomePanel({ locale, text, phoneText, unknownDevice, name, signedInAt }: Props) {
  const [sessions, setSessions] = useState<SessionView[]>([])
  const isHydrated = useHydrated()
  /** Signed out here: what the stream says of it is no news. */
  const isLeaving = useRef(false)
  const [signedOutAt, setSignedOutAt] = useState<string | null>(null)

  useEffect(
    () =>
      followAccount('computer', {
        onSessions: setSessions,
        onSignedOut: () => {
          if (!isLeaving.current) setSignedOutAt(new Date().toISOString())
        },
      }),
    [],
  )

  async function signOut() {
    isLeaving.current = true
    const answer = await call('DELETE', '/api/session')
    if (answer.ok) location.assign('/login')
    else isLeaving.current = false
  }

  if (signedOutAt !== null) {
    return (
      <main className={styles.main} role="alert" data-testid="signed-out">
        <h1>{text.signedOutTitle}</h1>
        <p className="quiet">
          <Ago since={signedOutAt} text={text.signedOutHint} locale={locale} />
        </p>
        <a className="button primary" href="/login">
          {text.signInAgain}
        </a>
      </main>
    )
  }
  return (
    <main className={styles.main}>
      <Greeting text={text} name={name} />
      <p className="quiet">
        <Ago since={signedInAt} text={text.signedIn} locale={locale} />
      </p>
      <button
        type="button"
        className="button"
        data-testid="sign-out"
        disabled={!isHydrated}
        data-waiting={!isHydrated}
        onClick={() => void signOut()}
      >
        {text.signOut}
      </button>
      <section className={styles.section}>
        <h2>{text.computers}</h2>
        <SessionList
          sessions={sessions}
          as="computer"
          locale={locale}
          text={phoneText}
          unknownDevice={unknownDevice}
          currentLabel={text.thisComputer}
        />
      </section>
    </main>
  )
}
