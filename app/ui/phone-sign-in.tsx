'use client'

import { type FormEvent, useState } from 'react'
import { call, type Refused } from '@/lib/client/api'
import type { ShownPerson } from '@/lib/core/account/person'
import { format, formatCountdown } from '@/lib/i18n/format'
import { Avatar } from './avatar'
import { type Texts, useText } from './page-text'
import styles from './phone-sign-in.module.css'
import { useHydrated } from './use-hydrated'

export interface DemoAccount {
  username: string
  name: string
  avatarUrl: string | null
}

interface Props {
  /** Empty if the demo is off: then the form has fields for name and password. */
  accounts: DemoAccount[]
  onSignedIn: (person: ShownPerson) => void
}

const DEMO_PASSWORD = 'demo'

/** Signs the simulated phone in. */
export function PhoneSignIn({ accounts, onSignedIn }: Props) {
  const text = useText('phoneSignIn')
  const [problem, setProblem] = useState('')
  const [isSending, setSending] = useState(false)
  const isHydrated = useHydrated()

  async function signIn(username: string, password: string) {
    setSending(true)
    setProblem('')
    const answer = await call<{ person: ShownPerson }>('POST', '/api/phone/session', { body: { username, password } })
    setSending(false)
    if (answer.ok) onSignedIn(answer.value.person)
    else setProblem(problemOf(answer, text))
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    void signIn(String(form.get('username')), String(form.get('password')))
  }

  return (
    <div className={styles.signIn}>
      {accounts.length > 0 ? (
        <>
          <h2 className={styles.pick}>{text.pickAccount}</h2>
          <ul className={styles.accounts}>
            {accounts.map((account) => (
              <li key={account.username}>
                <button
                  type="button"
                  className={styles.account}
                  data-testid="demo-account"
                  data-username={account.username}
                  disabled={isSending || !isHydrated}
                  onClick={() => void signIn(account.username, DEMO_PASSWORD)}
                >
                  <Avatar person={account} size={72} />
                  {account.name}
                </button>
              </li>
            ))}
          </ul>
          <p className={styles.demoOnly}>{text.demoOnly}</p>
        </>
      ) : (
        <form className={styles.form} method="post" onSubmit={submit}>
          <label>
            {text.username}
            <input className="field" name="username" autoComplete="username" autoCapitalize="none" required />
          </label>
          <label>
            {text.password}
            <input className="field" name="password" type="password" autoComplete="current-password" required />
          </label>
          <button
            type="submit"
            className="button primary"
            disabled={isSending || !isHydrated}
            data-waiting={!isHydrated}
          >
            {text.signIn}
          </button>
        </form>
      )}
      <p role="alert" className={styles.problem}>
        {problem}
      </p>
    </div>
  )
}

function problemOf({ code, retryAfterMs }: Refused, text: Texts<'phoneSignIn'>): string {
  if (code === 'rate_limited') return format(text.tooManyTries, { time: formatCountdown(retryAfterMs ?? 60_000) })
  return code === 'credentials_wrong' ? text.credentialsWrong : text.signInFailed
}
