'use client'

import type { Person } from '@/lib/attempt/attempt'
import { call } from '@/lib/client/api'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { useAccount } from '../ui/use-account'
import { PhoneHomeView } from './phone-home-view'

interface Props {
  locale: Locale
  text: Catalogue['phone']
  unknownDevice: string
  person: Person
  onSignOut: () => void
  /** This phone was signed out elsewhere. Stays the same. */
  onSignedOut: () => void
}

/** The home of the phone app, alive. */
export function PhoneHome({ locale, text, unknownDevice, person, onSignOut, onSignedOut }: Props) {
  const { sessions, noticed, dismiss } = useAccount('phone', onSignedOut)
  return (
    <PhoneHomeView
      locale={locale}
      text={text}
      unknownDevice={unknownDevice}
      person={person}
      sessions={sessions}
      noticed={noticed}
      onDismiss={dismiss}
      onSignOutEverywhere={() => void call('DELETE', '/api/sessions?as=phone')}
      onSignOut={onSignOut}
    />
  )
}
