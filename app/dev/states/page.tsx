import { notFound } from 'next/navigation'
import { getLocale } from '@/app/ui/locale'
import { findSignInSources } from '@/app/ui/sign-in-sources'
import { qrLogin } from '@/lib/server/shared'
import { Gallery } from './gallery'
import { toPseudo } from './pseudo'

interface Props {
  searchParams: Promise<{ pseudo?: string }>
}

/**
 * Every state of every screen, for development; 404 in production. `#login/ready` fills the page
 * with one state, `?pseudo=1` makes every text longer.
 */
export default async function StatesPage({ searchParams }: Props) {
  if (!qrLogin().context.config.isLocal) notFound()
  const { pseudo } = await searchParams
  const { locale, text } = await getLocale()
  const { demoAccounts } = await findSignInSources(Promise.resolve({}))
  return <Gallery locale={locale} text={pseudo === undefined ? text : toPseudo(text)} accounts={demoAccounts} />
}
