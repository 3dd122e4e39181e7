import { type Catalogue, LOCALES, type Locale } from './catalogue'
import { en } from './en'
import { zh } from './zh'

const CATALOGUES: Record<Locale, Catalogue> = { en, zh }

export function getCatalogue(locale: Locale): Catalogue {
  return CATALOGUES[locale]
}

/**
 * The chosen language, else the first of `Accept-Language` (by weight) that we speak, else English.
 */
export function pickLocale(chosen: string | undefined, acceptLanguage: string | null): Locale {
  const own = LOCALES.find((locale) => locale === chosen)
  if (own !== undefined) return own
  const wanted = (acceptLanguage ?? '')
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.trim().toLowerCase().split(';')
      const weight = Number(parameters.find((parameter) => parameter.trim().startsWith('q='))?.split('=')[1] ?? 1)
      return { tag, weight }
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
  const spoken = wanted.map(({ tag }) => LOCALES.find((locale) => tag === locale || tag.startsWith(`${locale}-`)))
  return spoken.find((locale) => locale !== undefined) ?? 'en'
}
