'use client'

import { call } from '@/lib/client/api'
import type { SessionView } from '@/lib/core/session/session'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { DeviceList } from './device-list'
import styles from './device-list.module.css'

interface Props {
  sessions: SessionView[]
  as: 'phone' | 'computer'
  locale: Locale
  text: Catalogue['phone']
  unknownDevice: string
  currentLabel?: string
}

const NEW_FOR_MS = 86_400_000

/** Signed-in computers. The list itself comes by stream. */
export function SessionList({ sessions, as, locale, text, unknownDevice, currentLabel }: Props) {
  if (sessions.length === 0) return <p className={styles.empty}>{text.noComputers}</p>
  return (
    <DeviceList
      kind="session"
      devices={sessions}
      locale={locale}
      text={text}
      unknown={unknownDevice}
      currentLabel={currentLabel}
      hint={text.signOutOfHint}
      isNew={(session) => as === 'phone' && isNew(session)}
      onSignOut={(id) => void call('DELETE', `/api/sessions/${id}?as=${as}`)}
    />
  )
}

function isNew({ signedInAt }: SessionView): boolean {
  return Date.now() - Date.parse(signedInAt) < NEW_FOR_MS
}
