import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { findComputer } from '@/lib/auth/identity'
import { accountNameOf } from '@/lib/core/account/person'
import { formatDevice } from '@/lib/i18n/format'
import { qrLogin } from '@/lib/server/shared'
import { getLocale } from '../ui/locale'
import { HomeFrame } from './home-frame'
import { HomePanel } from './home-panel'
import { readRecipes } from './read-recipes'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.home.title }
}

/** Home of a signed-in computer. */
export default async function HomePage() {
  const { locale, text } = await getLocale()
  const { context } = qrLogin()
  const computer = await findComputer({ headers: await headers() }, context)
  if (computer === null) redirect('/login')
  const { isLocal, publicOrigin } = context.config
  return (
    <HomeFrame locale={locale} text={text} person={computer.person}>
      <HomePanel
        name={computer.person.name}
        account={accountNameOf(computer.person)}
        device={formatDevice(computer)}
        signedInAt={new Date(computer.signedInAt).toISOString()}
        apps={context.apps?.listOpenable(locale) ?? []}
        recipes={isLocal ? await readRecipes(publicOrigin, process.cwd()) : []}
        origin={publicOrigin}
      />
    </HomeFrame>
  )
}
