'use client'

import { call } from '@/lib/client/api'
import type { SessionView } from '@/lib/core/session/session'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format, formatDevice } from '@/lib/i18n/format'
import { Button } from './button'
import styles from './notices.module.css'

interface Props {
  sessions: SessionView[]
  as: 'phone' | 'computer'
  text: Catalogue['phone']
  unknownDevice: string
  onDismiss: (id: string) => void
}

/** One notice for each new sign-in, with its sign-out in one tap. The region is in the page from the start. */
export function Notices({ sessions, as, text, unknownDevice, onDismiss }: Props) {
  return (
    <div className={styles.notices} role="alert">
      {sessions.map((session) => (
        <div key={session.id} className={styles.notice} data-testid="notice" data-session-id={session.id}>
          <p className={styles.words}>{format(text.notice, { device: formatDevice(session) ?? unknownDevice })}</p>
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
