import { cookies, headers } from 'next/headers'
import { type Catalogue, LOCALE_COOKIE, type Locale } from '@/lib/i18n/catalogue'
import { getCatalogue, pickLocale } from '@/lib/i18n/locale'

/** The language of this request. */
export async function getLocale(): Promise<{ locale: Locale; text: Catalogue }> {
  const chosen = (await cookies()).get(LOCALE_COOKIE)?.value
  const locale = pickLocale(chosen, (await headers()).get('accept-language'))
  return { locale, text: getCatalogue(locale) }
}
