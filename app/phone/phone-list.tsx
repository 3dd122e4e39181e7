'use client'

import type { PhoneView } from '@/lib/core/session/session'
import { Button } from '../ui/button'
import { DeviceList } from '../ui/device-list'
import { useText } from '../ui/page-text'

interface Props {
  phones: PhoneView[]
  /** What signing one out does. */
  hint: string
  onSignOut: (id: string) => void
  onSignOutOthers: () => void
}

/** The person's signed-in phones, including this one. */
export function PhoneList({ phones, hint, onSignOut, onSignOutOthers }: Props) {
  const text = useText('phone')
  const others = phones.filter(({ current }) => !current)
  return (
    <>
      <DeviceList
        kind="phone"
        devices={phones}
        unknown={text.unknownPhone}
        currentLabel={text.thisPhone}
        hint={hint}
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
