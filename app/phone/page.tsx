import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { findCookiePhone } from '@/lib/auth/identity'
import { listDemoAccounts } from '../ui/demo-accounts'
import { Header } from '../ui/header'
import { getLocale } from '../ui/locale'
import styles from './phone.module.css'
import { PhoneApp } from './phone-app'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.phone.title }
}

/** The simulated phone app. */
export default async function PhonePage() {
  const { locale, text } = await getLocale()
  const phone = await findCookiePhone({ headers: await headers() })
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <PhoneApp
        locale={locale}
        text={text.phone}
        unknownDevice={text.common.unknownDevice}
        person={phone?.person ?? null}
        accounts={listDemoAccounts()}
      />
    </div>
  )
}
