'use client'

import { call } from '@/lib/client/api'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { useAccount } from '../ui/use-account'
import { usePhoneNotices } from '../ui/use-notices'
import type { SignedIn } from './phone-app'
import { PhoneHomeView } from './phone-home-view'
import { usePhones } from './use-phones'

interface Props {
  locale: Locale
  text: Catalogue['phone']
  unknownDevice: string
  signedIn: SignedIn
  onSignOut: () => void
  /** This phone was signed out elsewhere. Stays the same. */
  onSignedOut: () => void
}

/** The home of the phone app, alive. */
export function PhoneHome({ locale, text, unknownDevice, signedIn, onSignOut, onSignedOut }: Props) {
  const sessions = useAccount('phone', onSignedOut, signedIn.sessions)
  const { noticed, dismiss } = usePhoneNotices(sessions)
  const { phones, signOut, signOutOthers } = usePhones(signedIn.phones)
  return (
    <PhoneHomeView
      locale={locale}
      text={text}
      unknownDevice={unknownDevice}
      person={signedIn.person}
      sessions={sessions}
      noticed={noticed}
      phones={phones}
      onDismiss={dismiss}
      onSignOutEverywhere={() => void call('DELETE', '/api/sessions?as=phone')}
      onSignOutPhone={(id) => void signOut(id)}
      onSignOutOtherPhones={() => void signOutOthers()}
      onSignOut={onSignOut}
    />
  )
}
