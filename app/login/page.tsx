import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { findComputer } from '@/lib/auth/identity'
import { parseNextPath } from '@/lib/http/next-path'
import { services } from '@/lib/services'
import { Header } from '../ui/header'
import { getLocale } from '../ui/locale'
import { Weighted } from '../ui/weighted'
import styles from './login.module.css'
import { SignInPanel } from './sign-in-panel'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.login.title }
}

/** The computer's page. Starts nothing: the attempt is made by a POST once the page runs. */
export default async function LoginPage({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const { locale, text } = await getLocale()
  const computer = await findComputer({ headers: await headers() })
  const nextPath = parseNextPath((await searchParams).next, services().config.publicOrigin)
  const already = computer === null ? null : { name: computer.person.name, avatarUrl: computer.person.avatarUrl }
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
        <SignInPanel text={text.login} common={text.common} already={already} nextPath={nextPath} />
        <noscript>
          <p className={styles.noscript}>{text.login.noscript}</p>
        </noscript>
      </main>
      <footer className="quiet">{text.login.footer}</footer>
    </div>
  )
}
