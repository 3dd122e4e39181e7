'use client'

import { format } from '@/lib/i18n/format'
import { trouble } from '@/lib/i18n/trouble'
import { NoticePage } from './ui/notice-page'

/** A page that failed while it was made. Names the error by its digest, under which the log has it whole. */
export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const isChinese = typeof document !== 'undefined' && document.documentElement.lang.startsWith('zh')
  const text = trouble[isChinese ? 'zh' : 'en']
  return (
    <NoticePage title={text.somethingBroke}>
      {error.digest === undefined ? null : <p className="quiet">{format(text.reference, { id: error.digest })}</p>}
      <button type="button" className="button primary" onClick={reset}>
        {text.tryAgain}
      </button>
    </NoticePage>
  )
}
