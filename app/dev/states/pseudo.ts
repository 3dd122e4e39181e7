import type { Catalogue } from '@/lib/i18n/catalogue'

const ACCENTS: Record<string, string> = {
  a: 'á',
  e: 'é',
  i: 'í',
  o: 'ö',
  u: 'ü',
  A: 'Å',
  E: 'É',
  I: 'Í',
  O: 'Ø',
  U: 'Ü',
}

/** The catalogue in an invented language with texts 40 % longer: shows what does not fit. */
export function toPseudo(text: Catalogue): Catalogue {
  return mapTexts(text, lengthen) as Catalogue
}

function mapTexts(value: object, map: (text: string) => string): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, typeof inner === 'string' ? map(inner) : mapTexts(inner, map)]),
  )
}

/** Doubles vowels until the text is long enough. Keeps values and weight marks. */
function lengthen(text: string): string {
  let missing = Math.ceil(text.length * 0.4)
  const longer = text
    .split(/(\{\w+\})/)
    .map((part) => {
      if (part.startsWith('{')) return part
      return part.replace(/[aeiou]/gi, (vowel) => {
        const accented = ACCENTS[vowel] ?? vowel
        if (missing <= 0) return accented
        missing -= 1
        return accented + accented.toLowerCase()
      })
    })
    .join('')
  return missing > 0 ? longer + ' ö'.repeat(Math.ceil(missing / 2)) : longer
}
