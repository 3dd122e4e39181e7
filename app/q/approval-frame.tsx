import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import { PageText } from '../ui/page-text'
import styles from './approval.module.css'

interface Props {
  locale: Locale
  text: Catalogue
  children: ReactNode
}

/** The part of the page that is the same in every state of the question. */
export function ApprovalFrame({ locale, text, children }: Props) {
  const { approval, apps, phoneSignIn, common } = text
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <PageText locale={locale} text={{ approval, apps, phoneSignIn, common }}>
        {children}
      </PageText>
    </div>
  )
}
