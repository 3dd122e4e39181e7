'use client'

import { call } from '@/lib/client/api'
import type { SessionView } from '@/lib/core/session/session'
import { DeviceList } from './device-list'
import styles from './device-list.module.css'
import { useText } from './page-text'

interface Props {
  sessions: SessionView[]
  as: 'phone' | 'computer'
  currentLabel?: string
}

const NEW_FOR_MS = 86_400_000

/** Signed-in computers. The stream of the account updates the list. */
export function SessionList({ sessions, as, currentLabel }: Props) {
  const text = useText('devices')
  if (sessions.length === 0) return <p className={styles.empty}>{text.noComputers}</p>
  return (
    <DeviceList
      kind="session"
      devices={sessions}
      unknown={text.unknownComputer}
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
