'use client'

import { LOCALE_COOKIE, type Locale } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import { trouble } from '@/lib/i18n/trouble'
import { NoticePage } from './ui/notice-page'

/** A page that failed while it was made. Names the error by its digest, under which the log has it whole. */
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

/** The page's language where there is a page; else as a request is read: what was chosen, then what the browser speaks. */
function findLocale(): Locale {
  if (typeof document === 'undefined') return 'en'
  const chosen = new RegExp(`(?:^|; )${LOCALE_COOKIE}=(\\w+)`).exec(document.cookie)?.[1]
  const language = document.documentElement.lang || chosen || navigator.language
  return language.startsWith('zh') ? 'zh' : 'en'
}
