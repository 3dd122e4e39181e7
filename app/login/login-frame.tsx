import type { ReactNode } from 'react'
import type { AppView } from '@/lib/core/attempt/app'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import { PageText } from '../ui/page-text'
import { Weighted } from '../ui/weighted'
import { AppBadge } from './app-badge'
import styles from './login-frame.module.css'

interface Props {
  locale: Locale
  text: Catalogue
  /** What is signed in to; null: our own home page. */
  app?: AppView | null
  children: ReactNode
}

/** The part of the login page that is the same in every state. */
export function LoginFrame({ locale, text, app = null, children }: Props) {
  const { login, common } = text
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <main className={styles.main}>
        <section className={styles.intro}>
          <h1>{login.headline}</h1>
          {app === null ? null : <AppBadge app={app} text={login.continueTo} />}
          <ol className={styles.steps}>
            {[login.step1, login.step2, login.step3].map((step) => (
              <li key={step}>
                <span>
                  <Weighted text={step} />
                </span>
              </li>
            ))}
          </ol>
        </section>
        <PageText locale={locale} text={{ login, common }}>
          {children}
        </PageText>
        <noscript>
          <p className={styles.noscript}>{login.noscript}</p>
        </noscript>
      </main>
      <footer className={styles.footer}>{login.footer}</footer>
    </div>
  )
}
