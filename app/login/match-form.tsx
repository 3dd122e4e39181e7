'use client'

import { useEffect, useRef, useState } from 'react'
import styles from './match-form.module.css'

interface Props {
  label: string
  error: string | null
  isSending: boolean
  onNumber: (number: string) => void
}

/** Two digit boxes that are one input. It takes the focus, and the second digit submits it. */
export function MatchForm({ label, error, isSending, onNumber }: Props) {
  const ref = useRef<HTMLInputElement>(null)
  const [number, setNumber] = useState('')
  useEffect(() => ref.current?.focus(), [])

  function change(typed: string) {
    const digits = typed.replace(/\D/g, '').slice(0, 2)
    setNumber(digits)
    if (digits.length === 2 && digits !== number) onNumber(digits)
  }

  return (
    <div className={styles.match}>
      <div className={styles.digits}>
        <input
          ref={ref}
          data-testid="match-input"
          className={styles.input}
          aria-label={label}
          aria-invalid={error !== null}
          aria-describedby={error === null ? undefined : 'match-error'}
          inputMode="numeric"
          autoComplete="off"
          value={number}
          readOnly={isSending}
          onChange={(event) => change(event.currentTarget.value)}
        />
        {[0, 1].map((place) => (
          <span key={place} className={styles.digit} data-next={number.length === place} aria-hidden="true">
            {number[place]}
          </span>
        ))}
      </div>
      {error === null ? null : (
        <p id="match-error" className={styles.error}>
          {error}
        </p>
      )}
    </div>
  )
}
