import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import { Weighted } from '../ui/weighted'
import styles from './login.module.css'

/** What stays the same around the panel, in every state. */
export function LoginFrame({ locale, text, children }: { locale: Locale; text: Catalogue; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <main className={styles.main}>
        <section className={styles.intro}>
          <h1>{text.login.headline}</h1>
          <ol className={styles.steps}>
            {[text.login.step1, text.login.step2, text.login.step3].map((step) => (
              <li key={step}>
                <span>
                  <Weighted text={step} />
                </span>
              </li>
            ))}
          </ol>
        </section>
        {children}
      </main>
      <footer className={styles.footer}>{text.login.footer}</footer>
    </div>
  )
}
