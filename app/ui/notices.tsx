'use client'

import { call } from '@/lib/client/api'
import type { SessionView } from '@/lib/core/session/session'
import { format } from '@/lib/i18n/format'
import { formatComputer } from '@/lib/i18n/format-computer'
import { Button } from './button'
import styles from './notices.module.css'
import { useText } from './page-text'

interface Props {
  sessions: SessionView[]
  as: 'phone' | 'computer'
  onDismiss: (id: string) => void
}

/** A notice with a sign-out button for each new sign-in. The live region is always in the page. */
export function Notices({ sessions, as, onDismiss }: Props) {
  const text = useText('devices')
  return (
    <div className={styles.notices} role="alert">
      {sessions.map((session) => (
        <div key={session.id} className={styles.notice} data-testid="notice" data-session-id={session.id}>
          <p className={styles.words}>
            {format(text.notice, { device: formatComputer(session, text.unknownComputer) })}
          </p>
          <p className={styles.answers}>
            <Button label={text.wasMe} onClick={() => onDismiss(session.id)} />
            <Button
              kind="danger"
              label={text.signItOut}
              onClick={() => void call('DELETE', `/api/sessions/${session.id}?as=${as}`)}
            />
          </p>
        </div>
      ))}
    </div>
  )
}
