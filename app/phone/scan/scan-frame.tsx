import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { PageText } from '../../ui/page-text'

interface Props {
  locale: Locale
  text: Catalogue
  children: ReactNode
}

/** Only the texts: the scanner fills the window. */
export function ScanFrame({ locale, text: { scan, common }, children }: Props) {
  return (
    <PageText locale={locale} text={{ scan, common }}>
      {children}
    </PageText>
  )
}
