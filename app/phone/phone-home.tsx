'use client'

import Link from 'next/link'
import { useEffect, useRef, useState } from 'react'
import type { Person } from '@/lib/attempt/attempt'
import { call } from '@/lib/client/api'
import { followAccount } from '@/lib/client/follow-account'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { format, formatDevice } from '@/lib/i18n/format'
import type { SessionView } from '@/lib/session/session'
import { Avatar } from '../ui/avatar'
import { SessionList } from '../ui/session-list'
import { useHydrated } from '../ui/use-hydrated'
import styles from './phone.module.css'

interface Props {
  locale: Locale
  text: Catalogue['phone']
  unknownDevice: string
  person: Person
  onSignOut: () => void
  /** This phone was signed out elsewhere. */
  onSignedOut: () => void
}

/** The scan tile, the person's signed-in computers as they are now, and a notice for each new one. */
export function PhoneHome({ locale, text, unknownDevice, person, onSignOut, onSignedOut }: Props) {
  const [sessions, setSessions] = useState<SessionView[] | null>(null)
  const [noticed, setNoticed] = useState<SessionView[]>([])
  const isHydrated = useHydrated()
  const seen = useRef<Set<string> | null>(null)

  useEffect(
    () =>
      followAccount('phone', {
        onSessions: (list) => {
          const before = seen.current
          const fresh = before === null ? [] : list.filter(({ id }) => !before.has(id))
          seen.current = new Set([...(before ?? []), ...list.map(({ id }) => id)])
          setSessions(list)
          setNoticed((old) => [...old, ...fresh].filter(({ id }) => list.some((session) => session.id === id)))
        },
        onSignedOut,
      }),
    [onSignedOut],
  )

  const dismiss = (id: string) => setNoticed((old) => old.filter((session) => session.id !== id))

  return (
    <main className={styles.main}>
      <div className={styles.notices} role="alert">
        {noticed.map((session) => (
          <div key={session.id} className="card" data-testid="notice" data-session-id={session.id}>
            <p>
              <strong>{format(text.notice, { device: formatDevice(session) ?? unknownDevice })}</strong>
            </p>
            <p className={styles.answers}>
              <button type="button" className="button" onClick={() => dismiss(session.id)}>
                {text.wasMe}
              </button>
              <button
                type="button"
                className="button danger"
                onClick={() => void call('DELETE', `/api/sessions/${session.id}?as=phone`)}
              >
                {text.signItOut}
              </button>
            </p>
          </div>
        ))}
      </div>
      <h1 className={styles.hi}>
        <Avatar person={person} size={48} />
        {format(text.hi, { name: person.name })}
      </h1>
      <Link className={styles.scanTile} href="/phone/scan" data-testid="scan-tile">
        {text.scan}
      </Link>
      <section className={styles.section}>
        <h2>{text.computers}</h2>
        {sessions === null ? null : (
          <SessionList sessions={sessions} as="phone" locale={locale} text={text} unknownDevice={unknownDevice} />
        )}
        {sessions !== null && sessions.length > 0 ? (
          <button
            type="button"
            className="button danger"
            data-testid="sign-out-everywhere"
            onClick={() => void call('DELETE', '/api/sessions?as=phone')}
          >
            {text.signOutEverywhere}
          </button>
        ) : null}
      </section>
      <button type="button" className="link" disabled={!isHydrated} onClick={onSignOut}>
        {text.signOutPhone}
      </button>
    </main>
  )
}
