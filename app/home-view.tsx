'use client'

import type { EndedBy, SessionView } from '@/lib/core/session/session'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Greeting } from './greeting'
import styles from './home.module.css'
import { Ago } from './ui/ago'
import { Button } from './ui/button'
import { Mark } from './ui/mark'
import { Notices } from './ui/notices'
import { SessionList } from './ui/session-list'

interface HomeProps {
  locale: Locale
  text: Catalogue['home']
  phoneText: Catalogue['phone']
  unknownDevice: string
  name: string
  device: string | null
  signedInAt: string
  /** Null until they are known. */
  sessions: SessionView[] | null
  noticed: SessionView[]
  onDismiss: (id: string) => void
  onSignOut: () => void
}

/** Who is signed in here, since when, and where else. */
export function HomeView(props: HomeProps) {
  const { locale, text, phoneText, unknownDevice, name, device, signedInAt, sessions, noticed } = props
  return (
    <main className={styles.main}>
      <Notices
        sessions={noticed}
        as="computer"
        text={phoneText}
        unknownDevice={unknownDevice}
        onDismiss={props.onDismiss}
      />
      <div className={styles.greeting}>
        <Greeting text={text} name={name} />
        <p className="quiet">
          <Ago since={signedInAt} text={text.signedIn} locale={locale} />
        </p>
      </div>
      <div className={styles.here}>
        <p>
          <strong>{device ?? unknownDevice}</strong>
          <span className={styles.label}>{text.thisComputer}</span>
        </p>
        <Button label={text.signOut} onClick={props.onSignOut} testId="sign-out" />
      </div>
      <section className={styles.section}>
        <h2>{text.computers}</h2>
        {sessions === null ? null : (
          <SessionList
            sessions={sessions}
            as="computer"
            locale={locale}
            text={phoneText}
            unknownDevice={unknownDevice}
            currentLabel={text.thisComputer}
          />
        )}
      </section>
    </main>
  )
}

interface SignedOutProps {
  locale: Locale
  text: Catalogue['home']
  /** ISO 8601. */
  since: string
  /** Null when it is not known. */
  by: EndedBy | null
}

/** In the place of the whole page, which showed the account of a person who is not signed in any more. */
export function SignedOutView({ locale, text, since, by }: SignedOutProps) {
  return (
    <main className={styles.signedOut} data-testid="signed-out" data-by={by ?? 'unknown'}>
      <Mark size={64} />
      <div role="alert" className={styles.signedOutWords}>
        <h1>{text.signedOutTitle}</h1>
        <p className="quiet">
          {by === null ? text.signedOutUnknown : <Ago since={since} text={text.signedOutBy[by]} locale={locale} />}
        </p>
      </div>
      <a className="button primary" href="/login">
        {text.signInAgain}
      </a>
    </main>
  )
}
