import type { en } from './en'

type Texts<T> = { readonly [K in keyof T]: T[K] extends string ? string : Texts<T[K]> }

/** Every text of the product in one language. A missing or extra key is a type error. */
export type Catalogue = Texts<typeof en>

export const LOCALES = ['en', 'zh'] as const

export type Locale = (typeof LOCALES)[number]

/** What `<html lang>` and `Intl` are told. */
export const LANGUAGE_TAGS: Record<Locale, string> = { en: 'en', zh: 'zh-CN' }
