import { headers } from 'next/headers'
import { findCookiePhone } from '@/lib/auth/identity'
import type { PhoneSession } from '@/lib/core/session/session'
import { qrLogin } from '@/lib/server/shared'
import { listDemoAccounts } from '../ui/demo-accounts'
import { getLocale } from '../ui/locale'
import { PhoneApp, type SignedIn } from './phone-app'
import { PhoneFrame } from './phone-frame'

/** The simulated phone app. */
export default async function PhonePage() {
  const { locale, text } = await getLocale()
  const phone = await findCookiePhone({ headers: await headers() }, qrLogin().context)
  return (
    <PhoneFrame locale={locale} text={text}>
      <PhoneApp
        locale={locale}
        text={text.phone}
        unknownDevice={text.common.unknownDevice}
        signedIn={phone === null ? null : await readAccount(phone)}
        accounts={listDemoAccounts()}
      />
    </PhoneFrame>
  )
}

/** With the lists, so that none of them moves the page when it comes. */
async function readAccount({ id, person }: PhoneSession): Promise<SignedIn> {
  const { sessions } = qrLogin().context
  const [computers, phones] = await Promise.all([sessions.list(person.id, null), sessions.listPhones(person.id, id)])
  return { person, sessions: computers, phones }
}
