import type { Metadata, Viewport } from 'next'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import { LANGUAGE_TAGS } from '@/lib/i18n/catalogue'
import './globals.css'
import { getLocale } from './ui/locale'

export const viewport: Viewport = { width: 'device-width', initialScale: 1, viewportFit: 'cover' }

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.common.brand, icons: '/icon.svg', robots: { index: false, follow: false } }
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  // Every page carries the nonce of its own request, also the one that was not found: none is made ahead.
  await connection()
  const { locale } = await getLocale()
  return (
    <html lang={LANGUAGE_TAGS[locale]}>
      <body>{children}</body>
    </html>
  )
}
