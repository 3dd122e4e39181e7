'use client'

import { useCallback, useState } from 'react'
import { call } from '@/lib/client/api'
import type { Person } from '@/lib/core/account/person'
import type { PhoneView, SessionView } from '@/lib/core/session/session'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { type DemoAccount, PhoneSignIn } from '../ui/phone-sign-in'
import { PhoneHome } from './phone-home'
import { PhoneWelcome } from './phone-welcome'

/** The lists: null until they are known. */
export interface SignedIn {
  person: Person
  sessions: SessionView[] | null
  phones: PhoneView[] | null
}

interface Props {
  locale: Locale
  text: Catalogue['phone']
  unknownDevice: string
  /** As the page was opened; null when the phone was not signed in. */
  signedIn: SignedIn | null
  accounts: DemoAccount[]
}

/** Signed out: pick an account. Signed in: the home of the app. */
export function PhoneApp({ locale, text, unknownDevice, signedIn: before, accounts }: Props) {
  const [signedIn, setSignedIn] = useState(before)

  // One and the same for ever: the home page's stream hangs on it.
  const forget = useCallback(() => setSignedIn(null), [])

  async function signOut() {
    const answer = await call('DELETE', '/api/phone/session')
    if (answer.ok) forget()
  }

  if (signedIn === null) {
    return (
      <PhoneWelcome text={text}>
        <PhoneSignIn
          text={text}
          accounts={accounts}
          onSignedIn={(person) => setSignedIn({ person, sessions: null, phones: null })}
        />
      </PhoneWelcome>
    )
  }
  return (
    <PhoneHome
      locale={locale}
      text={text}
      unknownDevice={unknownDevice}
      signedIn={signedIn}
      onSignOut={() => void signOut()}
      onSignedOut={forget}
    />
  )
}
