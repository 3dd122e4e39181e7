'use client'

import { createContext, type ReactNode, use } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'

/** One section of the catalogue. */
export type Texts<Section extends keyof Catalogue> = Catalogue[Section]

interface PageTextValue {
  locale: Locale
  /** The sections that the client components of the page use; they are part of the document. */
  text: Partial<Catalogue>
}

const PageTextContext = createContext<PageTextValue>({ locale: 'en', text: {} })

/** The language and the texts of everything inside. Set once, by the frame of the page. */
export function PageText({ children, ...value }: PageTextValue & { children: ReactNode }) {
  return <PageTextContext value={value}>{children}</PageTextContext>
}

/** Throws if the frame of the page does not provide the section. */
export function useText<Section extends keyof Catalogue>(section: Section): Texts<Section> {
  const text = use(PageTextContext).text[section]
  if (text === undefined) throw new Error(`No text: ${section}`)
  return text
}

export function useLocale(): Locale {
  return use(PageTextContext).locale
}
