'use client'

import { useLayoutEffect, useRef, useState } from 'react'
import { format, formatDevice } from '@/lib/i18n/format'
import { Ago } from './ago'
import { Button } from './button'
import styles from './device-list.module.css'
import { useText } from './page-text'

export interface Device {
  id: string
  browser: string | null
  os: string | null
  place: string | null
  /** ISO 8601. */
  lastSeenAt: string
  /** The one that this page is on: it has a label instead of a button. */
  current: boolean
}

interface Props<T extends Device> {
  /** Prefix of the test hooks of a row. */
  kind: 'session' | 'phone'
  devices: T[]
  /** The name of a device whose browser and system are not known. */
  unknown: string
  currentLabel?: string | undefined
  /** Shown in the confirmation dialog. */
  hint: string
  isNew?: (device: T) => boolean
  onSignOut: (id: string) => void
}

/** Signed-in devices, each with a button to sign it out, which opens a confirmation dialog. */
export function DeviceList<T extends Device>(props: Props<T>) {
  const { kind, devices, unknown, currentLabel, hint, isNew, onSignOut } = props
  const text = useText('devices')
  const dialog = useRef<HTMLDialogElement>(null)
  const [chosen, setChosen] = useState<T | null>(null)
  const nameOf = (device: T) => formatDevice(device) ?? unknown
  // After the content is rendered: the first button of the dialog gets the focus.
  useLayoutEffect(() => {
    if (chosen === null || dialog.current === null || dialog.current.open) return
    // A dialog keeps its last return value, and Escape does not reset it.
    dialog.current.returnValue = ''
    dialog.current.showModal()
  }, [chosen])

  function close() {
    if (dialog.current?.returnValue === 'yes' && chosen !== null) onSignOut(chosen.id)
    setChosen(null)
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
                <Ago since={device.lastSeenAt} />
              </span>
            </span>
            {device.current ? (
              <span className="quiet">{currentLabel}</span>
            ) : (
              <Button kind="danger" label={text.signOut} onClick={() => setChosen(device)} testId="sign-out" />
            )}
          </li>
        ))}
      </ul>
      <dialog ref={dialog} className={styles.dialog} aria-labelledby={`sign-out-${kind}`} onClose={close}>
        {chosen === null ? null : (
          <form method="dialog">
            <h2 id={`sign-out-${kind}`}>{format(text.signOutOf, { device: nameOf(chosen) })}</h2>
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
