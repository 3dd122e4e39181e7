import { headers } from 'next/headers'
import { findCookiePhone } from '@/lib/auth/identity'
import { listDemoAccounts } from '../ui/demo-accounts'
import { getLocale } from '../ui/locale'
import { PhoneApp } from './phone-app'
import { PhoneFrame } from './phone-frame'

/** The simulated phone app. */
export default async function PhonePage() {
  const { locale, text } = await getLocale()
  const phone = await findCookiePhone({ headers: await headers() })
  return (
    <PhoneFrame locale={locale} text={text}>
      <PhoneApp
        locale={locale}
        text={text.phone}
        unknownDevice={text.common.unknownDevice}
        person={phone?.person ?? null}
        accounts={listDemoAccounts()}
      />
    </PhoneFrame>
  )
}
