import { headers } from 'next/headers'
import { findCookiePhone } from '@/lib/auth/identity'
import { accountNameOf, shownOf } from '@/lib/core/account/person'
import type { PhoneSession } from '@/lib/core/session/session'
import type { Locale } from '@/lib/i18n/catalogue'
import { qrLogin } from '@/lib/server/shared'
import { getLocale } from '../ui/locale'
import { findSignInSources, type SignInQuery } from '../ui/sign-in-sources'
import { PhoneApp, type SignedIn } from './phone-app'
import { PhoneFrame } from './phone-frame'

/** The simulated phone app. */
export default async function PhonePage({ searchParams }: { searchParams: SignInQuery }) {
  const { locale, text } = await getLocale()
  const phone = await findCookiePhone({ headers: await headers() }, qrLogin().context)
  return (
    <PhoneFrame locale={locale} text={text}>
      <PhoneApp
        signedIn={phone === null ? null : await readAccount(phone, locale)}
        sources={await findSignInSources(searchParams)}
        hasApps={qrLogin().context.apps !== null}
      />
    </PhoneFrame>
  )
}

/** Includes the lists, so that the layout does not shift when they arrive. */
async function readAccount({ id, person }: PhoneSession, locale: Locale): Promise<SignedIn> {
  const { sessions, passkeys, apps } = qrLogin().context
  const [computers, phones, own, agreed] = await Promise.all([
    sessions.list(person.id, null),
    sessions.listPhones(person.id, id),
    passkeys?.list(person.id) ?? null,
    apps?.list(person.id, locale) ?? null,
  ])
  return {
    person: shownOf(person),
    account: accountNameOf(person),
    sessions: computers,
    phones,
    passkeys: own,
    apps: agreed,
  }
}
