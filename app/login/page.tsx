import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { findComputer } from '@/lib/auth/identity'
import { shownOf } from '@/lib/core/account/person'
import { parseNextPath } from '@/lib/http/next-path'
import { qrLogin } from '@/lib/server/shared'
import { getLocale } from '../ui/locale'
import { LoginFrame } from './login-frame'
import { findRequestingApp } from './requesting-app'
import { SignInPanel } from './sign-in-panel'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.login.title }
}

type LoginQuery = Promise<{ next?: string | string[]; interaction?: string | string[] }>

/** The computer's page. It changes nothing: the page's script creates the attempt by a POST. */
export default async function LoginPage({ searchParams }: { searchParams: LoginQuery }) {
  const { locale, text } = await getLocale()
  const computer = await findComputer({ headers: await headers() }, qrLogin().context)
  const { publicOrigin } = qrLogin().context.config
  const { next, interaction } = await searchParams
  const app = await findRequestingApp(interaction, await headers())
  const nextPath = parseNextPath(next, publicOrigin)
  const already = computer === null ? null : shownOf(computer.person)
  return (
    <LoginFrame locale={locale} text={text} app={app?.view ?? null}>
      <SignInPanel already={already} nextPath={nextPath} host={new URL(publicOrigin).host} app={app} />
    </LoginFrame>
  )
}
