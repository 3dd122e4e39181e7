import Link from 'next/link'
import { Header } from './ui/header'
import { getLocale } from './ui/locale'
import styles from './ui/notice-page.module.css'

export default async function NotFound() {
  const { locale, text } = await getLocale()
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <main className={styles.main}>
        <h1>{text.common.notFoundTitle}</h1>
        <Link className="button" href="/">
          {text.common.notFoundLink}
        </Link>
      </main>
    </div>
  )
}
