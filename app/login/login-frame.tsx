import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import { PageText } from '../ui/page-text'
import { Weighted } from '../ui/weighted'
import styles from './login-frame.module.css'

interface Props {
  locale: Locale
  text: Catalogue
  children: ReactNode
}

/** The part of the login page that is the same in every state. */
export function LoginFrame({ locale, text, children }: Props) {
  const { login, common } = text
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <main className={styles.main}>
        <section className={styles.intro}>
          <h1>{login.headline}</h1>
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
