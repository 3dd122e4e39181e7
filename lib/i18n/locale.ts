import { type Catalogue, LOCALES, type Locale } from './catalogue'
import { en } from './en'
import { zh } from './zh'

const CATALOGUES: Record<Locale, Catalogue> = { en, zh }

export function getCatalogue(locale: Locale): Catalogue {
  return CATALOGUES[locale]
}

/**
 * The chosen language, or the supported language with the highest weight in `Accept-Language`, or
 * English.
 */
export function pickLocale(chosen: string | undefined, acceptLanguage: string | null): Locale {
  const supported = LOCALES.find((locale) => locale === chosen)
  if (supported !== undefined) return supported
  const accepted = (acceptLanguage ?? '')
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.trim().toLowerCase().split(';')
      const weight = Number(parameters.find((parameter) => parameter.trim().startsWith('q='))?.split('=')[1] ?? 1)
      return { tag, weight }
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
  const matches = accepted.map(({ tag }) => LOCALES.find((locale) => tag === locale || tag.startsWith(`${locale}-`)))
  return matches.find((locale) => locale !== undefined) ?? 'en'
}
