'use client'

import { useLayoutEffect, useRef, useState } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { format, formatDevice } from '@/lib/i18n/format'
import { Ago } from './ago'
import { Button } from './button'
import styles from './device-list.module.css'

export interface Device {
  id: string
  browser: string | null
  os: string | null
  place: string | null
  /** ISO 8601. */
  lastSeenAt: string
  /** The one that this page is on: it has a label in the place of a button. */
  current: boolean
}

interface Props<T extends Device> {
  /** What the rows are called for tests. */
  kind: 'session' | 'phone'
  devices: T[]
  locale: Locale
  text: Catalogue['phone']
  /** The name of a device whose browser and system are not known. */
  unknown: string
  currentLabel?: string | undefined
  /** What the question before a sign-out adds. */
  hint: string
  isNew?: (device: T) => boolean
  onSignOut: (id: string) => void
}

/** Signed-in devices, each with its sign-out behind a question. */
export function DeviceList<T extends Device>(props: Props<T>) {
  const { kind, devices, locale, text, unknown, currentLabel, hint, isNew, onSignOut } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const [asked, setAsked] = useState<T | null>(null)
  const nameOf = (device: T) => formatDevice(device) ?? unknown
  // Once its words are there: the first answer gets the focus.
  useLayoutEffect(() => {
    if (asked === null || dialog.current === null || dialog.current.open) return
    // It keeps its last answer, and Escape gives none.
    dialog.current.returnValue = ''
    dialog.current.showModal()
  }, [asked])

  function answer() {
    if (dialog.current?.returnValue === 'yes' && asked !== null) onSignOut(asked.id)
    setAsked(null)
  }

  return (
    <>
      <ul className={styles.list}>
        {devices.map((device) => (
          <li
            key={device.id}
            className={styles.row}
            data-testid={`${kind}-row`}
            {...{ [`data-${kind}-id`]: device.id }}
          >
            <span className={styles.facts}>
              <strong>{nameOf(device)}</strong>
              {isNew?.(device) ? <span className={styles.badge}>{text.isNew}</span> : null}
              <span className="quiet">
                {device.place === null ? null : `${format(text.near, { place: device.place })} · `}
                <Ago since={device.lastSeenAt} locale={locale} />
              </span>
            </span>
            {device.current ? (
              <span className="quiet">{currentLabel}</span>
            ) : (
              <Button kind="danger" label={text.signOut} onClick={() => setAsked(device)} testId="sign-out" />
            )}
          </li>
        ))}
      </ul>
      <dialog ref={dialog} className={styles.dialog} aria-labelledby={`sign-out-${kind}`} onClose={answer}>
        {asked === null ? null : (
          <form method="dialog">
            <h2 id={`sign-out-${kind}`}>{format(text.signOutOf, { device: nameOf(asked) })}</h2>
            <p className="quiet">{hint}</p>
            <div className={styles.answers}>
              <button type="submit" className="button" value="no">
                {text.cancel}
              </button>
              <button type="submit" className="button danger" value="yes" data-testid="sign-out-confirm">
                {text.signOut}
              </button>
            </div>
          </form>
        )}
      </dialog>
    </>
  )
}
