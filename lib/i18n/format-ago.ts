import { LANGUAGE_TAGS, type Locale } from './catalogue'

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** `Intl` formats 0 as "now" and "现在", which do not fit a past event. */
const JUST_NOW: Record<Locale, string> = { en: 'just now', zh: '刚刚' }

/** Relative time, like "5 minutes ago"; "just now" for less than a minute. */
export function formatAgo(agoMs: number, locale: Locale): string {
  const [unit, unitMs] = UNITS.find(([, ms]) => agoMs >= ms) ?? []
  if (unit === undefined || unitMs === undefined) return JUST_NOW[locale]
  const relative = new Intl.RelativeTimeFormat(LANGUAGE_TAGS[locale], { numeric: 'auto' })
  return relative.format(-Math.floor(agoMs / unitMs), unit)
}
