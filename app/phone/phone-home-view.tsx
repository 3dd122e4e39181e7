'use client'

import type { ReactNode } from 'react'
import type { PhoneView, SessionView } from '@/lib/core/session/session'
import { format } from '@/lib/i18n/format'
import { Avatar } from '../ui/avatar'
import { Button } from '../ui/button'
import { Mark } from '../ui/mark'
import { Notices } from '../ui/notices'
import { useText } from '../ui/page-text'
import { SessionList } from '../ui/session-list'
import styles from './phone.module.css'
import { PhoneList } from './phone-list'

interface Props {
  person: { name: string; avatarUrl: string | null }
  /** The email address or the username; null if neither is known. */
  account: string | null
  /** Null until they are known. */
  sessions: SessionView[] | null
  noticed: SessionView[]
  /** Null until they are known. */
  phones: PhoneView[] | null
  /** The section of the passkeys; null where the server has none. */
  passkeys: ReactNode
  /** The section of the apps; null where the server has none. */
  apps: ReactNode
  onDismiss: (id: string) => void
  onSignOutEverywhere: () => void
  onSignOutPhone: (id: string) => void
  onSignOutOtherPhones: () => void
  /** Of this phone. */
  onSignOut: () => void
}

/** The scan tile, the person's computers with a notice for each new one, and their phones. */
export function PhoneHomeView(props: Props) {
  const { person, account, sessions, noticed, phones, passkeys, apps } = props
  const text = useText('phone')
  return (
    <main className={styles.main}>
      <Notices sessions={noticed} as="phone" onDismiss={props.onDismiss} />
      <h1 className={styles.hi}>
        <Avatar person={person} size={52} />
        {format(text.hi, { name: person.name })}
      </h1>
      {account === null ? null : <p className="account">{account}</p>}
      {/* Loads a new document: only the scanner may use the camera. */}
      <a className={styles.scanTile} href="/phone/scan" data-testid="scan-tile">
        <Mark size={44} isPlain />
        {text.scan}
      </a>
      <section className={styles.section}>
        <h2>{text.computers}</h2>
        {sessions === null ? null : <SessionList sessions={sessions} as="phone" />}
        {sessions !== null && sessions.length > 0 ? (
          <Button
            kind="danger"
            label={text.signOutEverywhere}
            onClick={props.onSignOutEverywhere}
            testId="sign-out-everywhere"
          />
        ) : null}
      </section>
      {apps}
      <section className={styles.section}>
        <h2>{text.phones}</h2>
        {phones === null ? null : (
          <PhoneList
            phones={phones}
            hint={passkeys === null ? text.signOutOfPhoneHint : text.signOutOfPhoneAndPasskeysHint}
            onSignOut={props.onSignOutPhone}
            onSignOutOthers={props.onSignOutOtherPhones}
          />
        )}
      </section>
      {passkeys}
      <div className={styles.end}>
        <Button kind="link" label={text.signOutPhone} onClick={props.onSignOut} />
      </div>
    </main>
  )
}
