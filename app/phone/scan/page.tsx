import Link from 'next/link'
import { services } from '@/lib/services'
import { Header } from '../../ui/header'
import { getLocale } from '../../ui/locale'
import styles from '../phone.module.css'
import { PasteLink } from './paste-link'

export default async function ScanPage() {
  const { locale, text } = await getLocale()
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      <main className={styles.main}>
        <h1>{text.phone.scan}</h1>
        <p className="quiet">{text.phone.scanHint}</p>
        <PasteLink text={text.phone} publicOrigin={services().config.publicOrigin} />
        <Link className="link" href="/phone">
          {text.phone.back}
        </Link>
      </main>
    </div>
  )
}
