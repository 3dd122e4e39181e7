import { Header } from './ui/header'
import { getLocale } from './ui/locale'
import { NoticePage } from './ui/notice-page'

export default async function NotFound() {
  const { locale, text } = await getLocale()
  return (
    <NoticePage header={<Header locale={locale} text={text} />} title={text.common.notFoundTitle}>
      {/* Not `next/link`: every page would load its script. */}
      <a className="button primary" href="/">
        {text.common.notFoundLink}
      </a>
    </NoticePage>
  )
}
