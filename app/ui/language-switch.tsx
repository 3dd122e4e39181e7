'use client'

import { useRouter } from 'next/navigation'
import { LANGUAGE_TAGS, LOCALE_COOKIE, type Locale } from '@/lib/i18n/catalogue'
import styles from './language-switch.module.css'
import { useHydrated } from './use-hydrated'

const YEAR_S = 365 * 86_400

/** Switches the language without a reload, so that the running attempt continues. */
export function LanguageSwitch({ locale, label }: { locale: Locale; label: string }) {
  const router = useRouter()
  const isHydrated = useHydrated()
  const other: Locale = locale === 'en' ? 'zh' : 'en'

  function change() {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser
    document.cookie = `${LOCALE_COOKIE}=${other}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`
    router.refresh()
  }

  return (
    <button
      type="button"
      className={styles.language}
      data-testid="language"
      lang={LANGUAGE_TAGS[other]}
      disabled={!isHydrated}
      data-waiting={!isHydrated}
      onClick={change}
    >
      {label}
    </button>
  )
}
