'use client'

import type { OpenableApp } from '@/lib/apps/apps'
import type { EndedBy, SessionView } from '@/lib/core/session/session'
import { Ago } from '../ui/ago'
import { Button } from '../ui/button'
import { Mark } from '../ui/mark'
import { Notices } from '../ui/notices'
import { useText } from '../ui/page-text'
import { SessionList } from '../ui/session-list'
import { AppTiles } from './app-tiles'
import { Greeting } from './greeting'
import styles from './home.module.css'
import type { Recipe } from './read-recipes'
import { Recipes } from './recipes'

interface HomeProps {
  name: string
  /** The email address or the username; null if neither is known. */
  account: string | null
  device: string | null
  signedInAt: string
  /** Null until they are known. */
  sessions: SessionView[] | null
  noticed: SessionView[]
  /** That can be opened from here. */
  apps: readonly OpenableApp[]
  /** In local mode. */
  recipes: readonly Recipe[]
  /** Of this server. */
  origin: string
  onDismiss: (id: string) => void
  onSignOut: () => void
}

/** The signed-in person, since when, and their other computers. Pure. */
export function HomeView(props: HomeProps) {
  const { name, account, device, signedInAt, sessions, noticed, apps, recipes, origin } = props
  const text = useText('home')
  const { unknownComputer } = useText('devices')
  return (
    <main className={styles.main}>
      <Notices sessions={noticed} as="computer" onDismiss={props.onDismiss} />
      <div className={styles.greeting}>
        <Greeting name={name} />
        {account === null ? null : <p className="account">{account}</p>}
        <p className="quiet">
          <Ago since={signedInAt} text={text.signedIn} />
        </p>
      </div>
      <div className={styles.here}>
        <p>
          <strong>{device ?? unknownComputer}</strong>
          <span className={styles.label}>{text.thisComputer}</span>
        </p>
        <Button label={text.signOut} onClick={props.onSignOut} testId="sign-out" />
      </div>
      <AppTiles apps={apps} />
      <section className={styles.section}>
        <h2>{text.computers}</h2>
        {sessions === null ? null : <SessionList sessions={sessions} as="computer" currentLabel={text.thisComputer} />}
      </section>
      <Recipes recipes={recipes} origin={origin} />
    </main>
  )
}

interface SignedOutProps {
  /** ISO 8601. */
  since: string
  /** Null if it is not known. */
  by: EndedBy | null
}

/** Replaces the whole page: it showed an account that is not signed in any more. Pure. */
export function SignedOutView({ since, by }: SignedOutProps) {
  const text = useText('home')
  return (
    <main className={styles.signedOut} data-testid="signed-out" data-by={by ?? 'unknown'}>
      <Mark size={64} />
      <div role="alert" className={styles.signedOutWords}>
        <h1>{text.signedOutTitle}</h1>
        <p className="quiet">
          {by === null ? text.signedOutUnknown : <Ago since={since} text={text.signedOutBy[by]} />}
        </p>
      </div>
      <a className="button primary" href="/login">
        {text.signInAgain}
      </a>
    </main>
  )
}
