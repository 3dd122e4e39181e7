'use client'

import { LOCALE_COOKIE, type Locale } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { trouble } from '@/lib/i18n/trouble'
import { NoticePage } from './ui/notice-page'

/** Shown when rendering a page failed. The log has the error under its digest. */
export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const text = trouble[findLocale()]
  return (
    <NoticePage title={text.somethingBroke}>
      {error.digest === undefined ? null : <p className="quiet">{format(text.reference, { id: error.digest })}</p>}
      <button type="button" className="button primary" onClick={reset}>
        {text.tryAgain}
      </button>
    </NoticePage>
  )
}

/** The language of the page; without a page the chosen language, then the browser's. */
function findLocale(): Locale {
  if (typeof document === 'undefined') return 'en'
  const chosen = new RegExp(`(?:^|; )${LOCALE_COOKIE}=(\\w+)`).exec(document.cookie)?.[1]
  const language = document.documentElement.lang || chosen || navigator.language
  return language.startsWith('zh') ? 'zh' : 'en'
}
