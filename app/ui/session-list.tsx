'use client'

import { useRef, useState } from 'react'
import { call } from '@/lib/client/api'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { format, formatDevice } from '@/lib/i18n/format'
import type { SessionView } from '@/lib/session/session'
import { Ago } from './ago'
import styles from './session-list.module.css'

interface Props {
  sessions: SessionView[]
  as: 'phone' | 'computer'
  locale: Locale
  text: Catalogue['phone']
  unknownDevice: string
  /** What the row of the asking computer says in the place of a button. */
  currentLabel?: string
}

const NEW_FOR_MS = 86_400_000

/** Signed-in computers, each with its sign-out behind a question. The list itself comes by stream. */
export function SessionList({ sessions, as, locale, text, unknownDevice, currentLabel }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [asked, setAsked] = useState<SessionView | null>(null)
  const nameOf = (session: SessionView) => formatDevice(session) ?? unknownDevice

  function ask(session: SessionView) {
    setAsked(session)
    if (dialog.current === null) return
    // It keeps its last answer, and Escape gives none.
    dialog.current.returnValue = ''
    dialog.current.showModal()
  }

  function answer() {
    if (dialog.current?.returnValue === 'yes' && asked !== null) {
      void call('DELETE', `/api/sessions/${asked.id}?as=${as}`)
    }
  }

  if (sessions.length === 0) return <p className={styles.empty}>{text.noComputers}</p>
  return (
    <>
      <ul className={styles.list}>
        {sessions.map((session) => (
          <li key={session.id} className={styles.row} data-testid="session-row" data-session-id={session.id}>
            <span className={styles.facts}>
              <strong>{nameOf(session)}</strong>
              {as === 'phone' && isNew(session) ? <span className={styles.badge}>{text.isNew}</span> : null}
              <span className="quiet">
                {session.place === null ? null : `${format(text.near, { place: session.place })} · `}
                <Ago since={session.lastSeenAt} locale={locale} />
              </span>
            </span>
            {session.current ? (
              <span className="quiet">{currentLabel}</span>
            ) : (
              <button type="button" className="button danger" data-testid="sign-out" onClick={() => ask(session)}>
                {text.signOut}
              </button>
            )}
          </li>
        ))}
      </ul>
      <dialog ref={dialog} className={styles.dialog} aria-labelledby="sign-out-question" onClose={answer}>
        <form method="dialog">
          <h2 id="sign-out-question">{format(text.signOutOf, { device: asked === null ? '' : nameOf(asked) })}</h2>
          <p className="quiet">{text.signOutOfHint}</p>
          <div className={styles.answers}>
            <button type="submit" className="button" value="no">
              {text.cancel}
            </button>
            <button type="submit" className="button danger" value="yes" data-testid="sign-out-confirm">
              {text.signOut}
            </button>
          </div>
        </form>
      </dialog>
    </>
  )
}

function isNew({ signedInAt }: SessionView): boolean {
  return Date.now() - Date.parse(signedInAt) < NEW_FOR_MS
}
