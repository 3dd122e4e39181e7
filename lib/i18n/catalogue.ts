import type { en } from './en'

type Texts<T> = { readonly [K in keyof T]: T[K] extends string ? string : Texts<T[K]> }

/** Every text of the product in one language. A missing or extra key is a type error. */
export type Catalogue = Texts<typeof en>

export const LOCALES = ['en', 'zh'] as const

export type Locale = (typeof LOCALES)[number]

/** The language tag for `<html lang>` and `Intl`. */
export const LANGUAGE_TAGS: Record<Locale, string> = { en: 'en', zh: 'zh-CN' }

/** Holds the language that the person chose. Not a secret: the page's script writes it. */
export const LOCALE_COOKIE = 'qr_language'
