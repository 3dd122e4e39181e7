'use client'

import { call } from '@/lib/client/api'
import { useAccount } from '../ui/use-account'
import { usePhoneNotices } from '../ui/use-notices'
import { AppSection } from './app-section'
import { PasskeySection } from './passkey-section'
import type { SignedIn } from './phone-app'
import { PhoneHomeView } from './phone-home-view'
import { useApps } from './use-apps'
import { usePasskeys } from './use-passkeys'
import { usePhones } from './use-phones'

interface Props {
  signedIn: SignedIn
  /** Whether the server has passkeys. */
  hasPasskeys: boolean
  /** Whether the server has apps that people sign in to. */
  hasApps: boolean
  onSignOut: () => void
  /** Called when this phone was signed out elsewhere. Must have a stable identity. */
  onSignedOut: () => void
}

/** State and effects of the app's home. */
export function PhoneHome({ signedIn, hasPasskeys, hasApps, onSignOut, onSignedOut }: Props) {
  const sessions = useAccount('phone', onSignedOut, signedIn.sessions)
  const { noticed, dismiss } = usePhoneNotices(sessions)
  const { phones, signOut, signOutOthers } = usePhones(signedIn.phones)
  const { reload: reloadPasskeys, ...passkeys } = usePasskeys(signedIn.passkeys, hasPasskeys)
  const apps = useApps(signedIn.apps, hasApps)

  /** The passkeys that a phone has added are removed with it. */
  async function endPhones(end: () => Promise<void>) {
    await end()
    if (hasPasskeys) await reloadPasskeys()
  }

  return (
    <PhoneHomeView
      person={signedIn.person}
      account={signedIn.account}
      sessions={sessions}
      noticed={noticed}
      phones={phones}
      onDismiss={dismiss}
      onSignOutEverywhere={() => void call('DELETE', '/api/sessions?as=phone')}
      passkeys={hasPasskeys ? <PasskeySection {...passkeys} /> : null}
      apps={hasApps ? <AppSection {...apps} /> : null}
      onSignOutPhone={(id) => void endPhones(() => signOut(id))}
      onSignOutOtherPhones={() => void endPhones(signOutOthers)}
      onSignOut={onSignOut}
    />
  )
}
