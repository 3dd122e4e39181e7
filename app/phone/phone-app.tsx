'use client'

import { useCallback, useState } from 'react'
import type { AgreedApp } from '@/lib/apps/apps'
import { call } from '@/lib/client/api'
import type { PasskeyView } from '@/lib/core/account/passkey'
import { accountNameOf, type ShownPerson } from '@/lib/core/account/person'
import type { PhoneView, SessionView } from '@/lib/core/session/session'
import { PhoneSignIn, type SignInSources } from '../ui/phone-sign-in'
import { useLastPerson } from '../ui/use-last-person'
import { PhoneHome } from './phone-home'
import { PhoneWelcome } from './phone-welcome'

/** The lists are null until they are known. */
export interface SignedIn {
  person: ShownPerson
  account: string | null
  sessions: SessionView[] | null
  phones: PhoneView[] | null
  passkeys: PasskeyView[] | null
  apps: AgreedApp[] | null
}

const UNKNOWN = { sessions: null, phones: null, passkeys: null, apps: null }

interface Props {
  /** When the page was opened; null if the phone was not signed in. */
  signedIn: SignedIn | null
  sources: SignInSources
  /** Whether the server has apps that people sign in to. */
  hasApps: boolean
}

/** Signed out: pick an account. Signed in: the home of the app. */
export function PhoneApp({ signedIn: before, sources, hasApps }: Props) {
  const [signedIn, setSignedIn] = useState(before)
  const [hasSignedOut, setSignedOut] = useState(false)
  const last = useLastPerson(signedIn?.person ?? null)

  // A stable identity: the stream of the home page restarts if it changes.
  const forget = useCallback(() => setSignedIn(null), [])

  async function signOut() {
    const answer = await call('DELETE', '/api/phone/session')
    if (!answer.ok) return
    setSignedOut(true)
    forget()
  }

  if (signedIn === null) {
    return (
      <PhoneWelcome>
        <PhoneSignIn
          sources={sources}
          last={last}
          hasSignedOut={hasSignedOut}
          onSignedIn={(person) => setSignedIn({ person, account: accountNameOf(person), ...UNKNOWN })}
        />
      </PhoneWelcome>
    )
  }
  return (
    <PhoneHome
      signedIn={signedIn}
      hasPasskeys={sources.hasPasskeys}
      hasApps={hasApps}
      onSignOut={() => void signOut()}
      onSignedOut={forget}
    />
  )
}
