import type { ReactNode } from 'react'
import type { DemoAccount } from '@/app/ui/phone-sign-in'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'

/** What every state is shown with. */
export interface Setting {
  locale: Locale
  text: Catalogue
  accounts: DemoAccount[]
}

export type Show = (setting: Setting) => ReactNode

export const nothing = () => {}
