import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { findCookiePhone } from '@/lib/auth/identity'
import { shownOf } from '@/lib/core/account/person'
import { qrLogin } from '@/lib/server/shared'
import { isInitiatorTrusted } from '../ui/initiator'
import { getLocale } from '../ui/locale'
import { findSignInSources, type SignInQuery } from '../ui/sign-in-sources'
import { ApprovalFrame } from './approval-frame'
import { ApprovalPanel } from './approval-panel'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.approval.title }
}

/** The code opens this page. The code is in the fragment, which no server receives. */
export default async function ApprovalPage({ searchParams }: { searchParams: SignInQuery }) {
  const { locale, text } = await getLocale()
  const request = { headers: await headers() }
  const phone = await findCookiePhone(request, qrLogin().context)
  return (
    <ApprovalFrame locale={locale} text={text}>
      <ApprovalPanel
        person={phone === null ? null : shownOf(phone.person)}
        isInitiatorTrusted={isInitiatorTrusted(request.headers)}
        sources={await findSignInSources(searchParams)}
        host={new URL(qrLogin().context.config.publicOrigin).host}
      />
    </ApprovalFrame>
  )
}
