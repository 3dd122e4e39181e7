import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import { PageText } from '../ui/page-text'
import styles from './phone.module.css'

interface Props {
  locale: Locale
  text: Catalogue
  children: ReactNode
}

/** The part of the app's home that is the same in every state. */
export function PhoneFrame({ locale, text, children }: Props) {
  const { phone, phoneSignIn, devices, passkeys, apps } = text
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <PageText locale={locale} text={{ phone, phoneSignIn, devices, passkeys, apps }}>
        {children}
      </PageText>
    </div>
  )
}
