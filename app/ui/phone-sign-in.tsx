'use client'

import { type FormEvent, useEffect, useState } from 'react'
import type { SignInFailure } from '@/lib/accounts/oidc'
import { call, type Refused } from '@/lib/client/api'
import { forgetPerson } from '@/lib/client/last-person'
import { signWithPasskey } from '@/lib/client/passkey-browser'
import { signInWithPasskey } from '@/lib/client/passkey-requests'
import type { Person, ShownPerson } from '@/lib/core/account/person'
import { format, formatCountdown } from '@/lib/i18n/format'
import { Avatar } from './avatar'
import { type Texts, useText } from './page-text'
import styles from './phone-sign-in.module.css'
import { useHydrated } from './use-hydrated'
import { usePasskeySupport } from './use-passkey-support'

export interface DemoAccount {
  username: string
  name: string
  avatarUrl: string | null
}

/** The ways to sign this phone in. */
export interface SignInSources {
  /** The name of the team's OpenID provider; null if there is none. */
  provider: string | null
  /** Where the person can sign out at the provider; null if it has no such address. */
  providerSignOutUrl: string | null
  /** Empty if the demo is off. */
  demoAccounts: DemoAccount[]
  /** Whether an endpoint of the team verifies name and password. */
  hasPasswords: boolean
  /** Whether a passkey that was added before signs the phone in. */
  hasPasskeys: boolean
  /** The host of the team's own site whose session signs the phone in; null if there is none. */
  site: string | null
  /** Why the last sign-in at the provider failed; null if it did not. */
  failure: SignInFailure | null
}

interface Props {
  sources: SignInSources
  /** The person who was signed in on this phone last; null if there is none. */
  last: ShownPerson | null
  /** The person has just signed out here, and may want to sign out at the provider too. */
  hasSignedOut?: boolean
  onSignedIn: (person: Person) => void
  /** Awaited before the page is left for the provider. */
  beforeLeaving?: () => Promise<void>
}

const DEMO_PASSWORD = 'demo'

/**
 * Signs the phone in: at the provider, by the session at the operator's site, by name and password,
 * with a passkey, or as a person of the demo.
 */
export function PhoneSignIn({ sources, last, hasSignedOut = false, onSignedIn, beforeLeaving }: Props) {
  const { provider, providerSignOutUrl, site, failure } = sources
  const accounts = lastFirst(sources.demoAccounts, last)
  const hasForm = sources.hasPasswords
  const hasNone = !hasForm && provider === null && site === null && accounts.length === 0
  const text = useText('phoneSignIn')
  const [problem, setProblem] = useState(failure === null ? '' : describeFailure(failure, provider, text))
  const [isSending, setSending] = useState(false)
  const isHydrated = useHydrated()
  // Last, and not before the page's script runs: nothing moves when it appears.
  const hasPasskeyButton = usePasskeySupport(sources.hasPasskeys, false)

  async function signIn(body: { username: string; password: string } | { source: 'site' }) {
    setSending(true)
    setProblem('')
    const answer = await call<{ person: Person }>('POST', '/api/phone/session', { body })
    setSending(false)
    if (answer.ok) onSignedIn(answer.value.person)
    else setProblem(problemOf(answer, site, text))
  }

  async function signInByPasskey() {
    setSending(true)
    setProblem('')
    const answer = await signInWithPasskey(call, signWithPasskey)
    setSending(false)
    if (answer === 'cancelled') return
    if (answer === 'failed') setProblem(text.signInFailed)
    else if (answer.ok) onSignedIn(answer.value.person)
    else setProblem(problemOf(answer, site, text))
  }

  // After a back/forward-cache restore the page is still in the sending state.
  useEffect(() => {
    const onShow = () => setSending(false)
    window.addEventListener('pageshow', onShow)
    return () => window.removeEventListener('pageshow', onShow)
  }, [])

  async function goToProvider() {
    setSending(true)
    setProblem('')
    await beforeLeaving?.()
    const body = { return: location.pathname + location.hash }
    const answer = await call<{ url: string }>('POST', '/api/phone/session/oidc', { body })
    if (answer.ok) return location.assign(answer.value.url)
    setSending(false)
    const isAway = answer.code === 'unavailable'
    setProblem(isAway ? describeFailure('unavailable', provider, text) : problemOf(answer, site, text))
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    void signIn({ username: String(form.get('username')), password: String(form.get('password')) })
  }

  return (
    <div className={styles.signIn}>
      {last === null ? null : (
        <p className={styles.last} data-testid="last-person">
          <Avatar person={last} size={40} />
          {format(text.welcomeBack, { name: last.name })}
          <button type="button" className="button quiet" onClick={forgetPerson}>
            {text.notYou}
          </button>
        </p>
      )}
      {provider === null ? null : (
        <button
          type="button"
          className="button primary"
          data-testid="provider"
          disabled={isSending || !isHydrated}
          data-waiting={!isHydrated}
          onClick={() => void goToProvider()}
        >
          {format(text.continueWith, { name: provider })}
        </button>
      )}
      {site === null ? null : (
        <button
          type="button"
          className="button"
          data-testid="site"
          disabled={isSending || !isHydrated}
          data-waiting={!isHydrated}
          onClick={() => void signIn({ source: 'site' })}
        >
          {format(text.continueAtSite, { host: site })}
        </button>
      )}
      {hasForm ? (
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
            className={provider === null ? 'button primary' : 'button'}
            disabled={isSending || !isHydrated}
            data-waiting={!isHydrated}
          >
            {text.signIn}
          </button>
        </form>
      ) : null}
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
                  onClick={() => void signIn({ username: account.username, password: DEMO_PASSWORD })}
                >
                  <Avatar person={account} size={72} />
                  {account.name}
                </button>
              </li>
            ))}
          </ul>
          <p className={styles.demoOnly}>{text.demoOnly}</p>
        </>
      ) : null}
      {hasNone ? <p className="quiet">{sources.hasPasskeys ? text.passkeyOnly : text.noSource}</p> : null}
      {hasPasskeyButton ? (
        <button
          type="button"
          className="button"
          data-testid="passkey-sign-in"
          disabled={isSending}
          onClick={() => void signInByPasskey()}
        >
          {text.passkey}
        </button>
      ) : null}
      {hasSignedOut && provider !== null && providerSignOutUrl !== null ? (
        <p>
          <a className={`link ${styles.alsoSignOut}`} href={providerSignOutUrl} data-testid="provider-sign-out">
            {format(text.alsoSignOut, { name: provider })}
          </a>
        </p>
      ) : null}
      <p role="alert" className={styles.problem}>
        {problem}
      </p>
    </div>
  )
}

/** The account of the last person comes first. */
function lastFirst(accounts: DemoAccount[], last: ShownPerson | null): DemoAccount[] {
  const isLast = ({ name }: DemoAccount) => name === last?.name
  return [...accounts.filter(isLast), ...accounts.filter((account) => !isLast(account))]
}

function describeFailure(failure: SignInFailure, provider: string | null, text: Texts<'phoneSignIn'>): string {
  const texts: Record<SignInFailure, string> = {
    denied: text.providerDenied,
    rejected: text.providerRejected,
    unavailable: format(text.providerUnavailable, { name: provider ?? '' }),
  }
  return texts[failure]
}

function problemOf({ code, retryAfterMs }: Refused, site: string | null, text: Texts<'phoneSignIn'>): string {
  switch (code) {
    case 'rate_limited':
      return format(text.tooManyTries, { time: formatCountdown(retryAfterMs ?? 60_000) })
    case 'passkey_wrong':
      return text.passkeyUnknown
    case 'credentials_wrong':
      return text.credentialsWrong
    case 'unauthenticated':
      return format(text.notSignedInAtSite, { host: site ?? '' })
    case 'unavailable':
      return text.sourceUnavailable
    default:
      return text.signInFailed
  }
}
