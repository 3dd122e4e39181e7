'use client'

import { useEffect, useRef } from 'react'
import styles from './login.module.css'

interface Props {
  label: string
  error: string | null
  isSending: boolean
  onNumber: (number: string) => void
}

/** Two digit boxes that are one field: it takes the focus, and sends itself with the second digit. */
export function MatchForm({ label, error, isSending, onNumber }: Props) {
  const ref = useRef<HTMLInputElement>(null)
  useEffect(() => ref.current?.focus(), [])

  function change(input: HTMLInputElement) {
    input.value = input.value.replace(/\D/g, '').slice(0, 2)
    if (input.value.length === 2) onNumber(input.value)
  }

  return (
    <div className={styles.match}>
      <input
        ref={ref}
        data-testid="match-input"
        className={styles.matchInput}
        aria-label={label}
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : 'match-error'}
        inputMode="numeric"
        autoComplete="off"
        maxLength={2}
        readOnly={isSending}
        onInput={(event) => change(event.currentTarget)}
      />
      <p id="match-error" className={styles.matchError}>
        {error}
      </p>
    </div>
  )
}
