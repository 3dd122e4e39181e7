import { notFound } from 'next/navigation'
import { listDemoAccounts } from '@/app/ui/demo-accounts'
import { getLocale } from '@/app/ui/locale'
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
  return <Gallery locale={locale} text={pseudo === undefined ? text : toPseudo(text)} accounts={listDemoAccounts()} />
}
