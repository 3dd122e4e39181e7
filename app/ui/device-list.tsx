'use client'

import { useState } from 'react'
import { format } from '@/lib/i18n/format'
import { formatComputer } from '@/lib/i18n/format-computer'
import { Ago } from './ago'
import { AnswerDialog } from './answer-dialog'
import { Button } from './button'
import styles from './device-list.module.css'
import { useText } from './page-text'

export interface Device {
  id: string
  browser: string | null
  os: string | null
  place: string | null
  /** What it was signed in to; null: our own home page. Phones have none. */
  app?: { name: string } | null
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
  const [chosen, setChosen] = useState<T | null>(null)
  const nameOf = (device: T) => formatComputer(device, unknown)

  function close(answer: FormData | null) {
    if (answer !== null && chosen !== null) onSignOut(chosen.id)
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
      {chosen === null ? null : (
        <AnswerDialog
          title={format(text.signOutOf, { device: nameOf(chosen) })}
          cancelLabel={text.cancel}
          yesLabel={text.signOut}
          kind="danger"
          testId="sign-out-confirm"
          onClose={close}
        >
          <p className="quiet">{hint}</p>
        </AnswerDialog>
      )}
    </>
  )
}
