import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Handset } from '../ui/handset'
import { getLocale } from '../ui/locale'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.phone.title, manifest: '/manifest.webmanifest' }
}

/** The simulated phone app. It can be installed. */
export default async function PhoneLayout({ children }: { children: ReactNode }) {
  const { text } = await getLocale()
  return (
    <Handset
      beside={
        <>
          <h2>{text.phone.explainTitle}</h2>
          <p className="quiet">{text.phone.explain}</p>
        </>
      }
    >
      {children}
    </Handset>
  )
}
