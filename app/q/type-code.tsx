'use client'

import { type FormEvent, useEffect, useRef } from 'react'
import type { TypedCodeProblem } from '@/lib/client/approval-screen'
import { Countdown } from '../ui/countdown'
import { useText } from '../ui/page-text'
import { useHydrated } from '../ui/use-hydrated'
import styles from './type-code.module.css'

interface Props {
  /** What the person has typed before. */
  typed: string
  problem: TypedCodeProblem | null
  onTypeCode: (typed: string) => void
}

/** One input for the short code that the computer shows. It takes the focus. */
export function TypeCode({ typed, problem, onTypeCode }: Props) {
  const text = useText('approval')
  const isHydrated = useHydrated()
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    onTypeCode(String(new FormData(event.currentTarget).get('code')))
  }

  return (
    // POST, in case the browser submits the form itself: a code must not end up in a URL.
    <form className={styles.form} method="post" onSubmit={submit}>
      <label>
        {text.shortCode}
        <input
          ref={input}
          className={`field ${styles.code}`}
          name="code"
          data-testid="type-code"
          defaultValue={typed}
          aria-invalid={problem !== null}
          aria-describedby={problem === null ? undefined : 'type-code-problem'}
          autoComplete="off"
          autoCapitalize="characters"
          autoCorrect="off"
          spellCheck={false}
          enterKeyHint="go"
          required
        />
      </label>
      {problem === null ? null : (
        <p id="type-code-problem" className={styles.problem} data-testid="type-code-problem">
          {problem.reason === 'limited' ? (
            <Countdown text={text.typedProblems.limited} endsAt={problem.endsAt} />
          ) : (
            text.typedProblems[problem.reason]
          )}
        </p>
      )}
      <button
        type="submit"
        className="button primary"
        data-testid="send-code"
        disabled={!isHydrated}
        data-waiting={!isHydrated}
      >
        {text.continue}
      </button>
      <a className="button" href="/phone/scan">
        {text.scanInstead}
      </a>
    </form>
  )
}
