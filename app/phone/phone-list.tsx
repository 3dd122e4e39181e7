'use client'

import type { PhoneView } from '@/lib/core/session/session'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Button } from '../ui/button'
import { DeviceList } from '../ui/device-list'

interface Props {
  phones: PhoneView[]
  locale: Locale
  text: Catalogue['phone']
  onSignOut: (id: string) => void
  onSignOutOthers: () => void
}

/** The person's signed-in phones, this one among them. */
export function PhoneList({ phones, locale, text, onSignOut, onSignOutOthers }: Props) {
  const others = phones.filter(({ current }) => !current)
  return (
    <>
      <DeviceList
        kind="phone"
        devices={phones}
        locale={locale}
        text={text}
        unknown={text.unknownPhone}
        currentLabel={text.thisPhone}
        hint={text.signOutOfPhoneHint}
        onSignOut={onSignOut}
      />
      {others.length > 1 ? (
        <Button
          kind="danger"
          label={text.signOutOtherPhones}
          onClick={onSignOutOthers}
          testId="sign-out-other-phones"
        />
      ) : null}
    </>
  )
}
