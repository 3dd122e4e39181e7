import { HomeFrame } from '@/app/(home)/home-frame'
import { HomeView, SignedOutView } from '@/app/(home)/home-view'
import type { EndedBy } from '@/lib/core/session/session'
import { OPENABLE, RECIPES } from './app-fixtures'
import { LIN, LONG_EMAIL, listComputers, SIGNED_OUT } from './fixtures'
import { nothing, type Setting, type Show } from './setting'

/** Every state of the home page. */
export const HOME_STATES: Record<string, Show> = {
  signed_in: (setting) => <Home {...setting} />,
  'signed_in, a notice': (setting) => <Home {...setting} noticed={1} />,
  'signed_in, apps': (setting) => <Home {...setting} apps={OPENABLE.length} />,
  'signed_in, recipes': (setting) => <Home {...setting} apps={1} recipes={RECIPES.length} />,
  ...Object.fromEntries(
    Object.entries(SIGNED_OUT).map(([by, why]) => [
      `signed_out, ${why}`,
      (setting: Setting) => <SignedOut {...setting} by={by === 'unknown' ? null : (by as EndedBy)} />,
    ]),
  ),
}

interface HomeCounts {
  noticed?: number
  apps?: number
  recipes?: number
}

function Home({ locale, text, noticed = 0, apps = 0, recipes = 0 }: Setting & HomeCounts) {
  const [first, ...others] = listComputers()
  const sessions = first === undefined ? [] : [{ ...first, current: true }, ...others]
  return (
    <HomeFrame locale={locale} text={text} person={LIN}>
      <HomeView
        name={LIN.name}
        account={LONG_EMAIL}
        device="Chrome · Windows"
        signedInAt={sessions[0]?.signedInAt ?? ''}
        sessions={sessions}
        noticed={others.slice(0, noticed)}
        apps={OPENABLE.slice(0, apps)}
        recipes={RECIPES.slice(0, recipes)}
        origin="https://login.example.com"
        onDismiss={nothing}
        onSignOut={nothing}
      />
    </HomeFrame>
  )
}

function SignedOut({ locale, text, by }: Setting & { by: EndedBy | null }) {
  return (
    <HomeFrame locale={locale} text={text} person={LIN}>
      <SignedOutView since={new Date().toISOString()} by={by} />
    </HomeFrame>
  )
}
