'use client'

import { call } from '@/lib/client/api'
import { useAccount } from '../ui/use-account'
import { usePhoneNotices } from '../ui/use-notices'
import type { SignedIn } from './phone-app'
import { PhoneHomeView } from './phone-home-view'
import { usePhones } from './use-phones'

interface Props {
  signedIn: SignedIn
  onSignOut: () => void
  /** Called when this phone was signed out elsewhere. Must have a stable identity. */
  onSignedOut: () => void
}

/** State and effects of the app's home. */
export function PhoneHome({ signedIn, onSignOut, onSignedOut }: Props) {
  const sessions = useAccount('phone', onSignedOut, signedIn.sessions)
  const { noticed, dismiss } = usePhoneNotices(sessions)
  const { phones, signOut, signOutOthers } = usePhones(signedIn.phones)
  return (
    <PhoneHomeView
      person={signedIn.person}
      account={signedIn.account}
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
