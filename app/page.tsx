import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { findComputer } from '@/lib/auth/identity'
import styles from './home.module.css'
import { HomePanel } from './home-panel'
import { Avatar } from './ui/avatar'
import { Header } from './ui/header'
import { getLocale } from './ui/locale'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.home.title }
}

/** Home of a signed-in computer. */
export default async function HomePage() {
  const { locale, text } = await getLocale()
  const computer = await findComputer({ headers: await headers() })
  if (computer === null) redirect('/login')
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text}>
        <Avatar person={computer.person} size={40} />
      </Header>
      <HomePanel
        locale={locale}
        text={text.home}
        phoneText={text.phone}
        unknownDevice={text.common.unknownDevice}
        name={computer.person.name}
        signedInAt={new Date(computer.signedInAt).toISOString()}
      />
    </div>
  )
}
