import { readdirSync, readFileSync } from 'node:fs'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, test, vi } from 'vitest'
import type { ApprovalScreen } from '@/lib/client/approval-screen'
import type { ScanScreen } from '@/lib/client/scanner'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import { LOCALES } from '@/lib/i18n/catalogue'
import { getCatalogue } from '@/lib/i18n/locale'
import { APPROVAL, type Fixtures, SCAN, SIGN_IN } from './fixtures'
import { STATES } from './state-view'

vi.mock('next/navigation', () => ({ useRouter: () => ({}) }))

const ACCOUNTS = [{ username: 'lin', name: 'Lin Xia', avatarUrl: null }]
const ALL = Object.entries(STATES).flatMap(([screen, states]) =>
  Object.entries(states).map(([name, show]) => ({ screen, name, show })),
)
const SCREENS_WITH_STATE = ['login', 'login to an app', 'q', 'scan']

describe.each(LOCALES)('the gallery, %s', (locale) => {
  const setting = { locale, text: getCatalogue(locale), accounts: ACCOUNTS }

  test.each(ALL)('$screen/$name renders with the texts that its frame provides', ({ show }) => {
    const html = renderToStaticMarkup(show(setting))
    expect(html).toMatch(/<h1|<main/)
    expect(html).not.toMatch(/\{\w+\}/)
  })
})

test('each fixture is in the state that its name starts with', () => {
  const setting = { locale: 'en' as const, text: getCatalogue('en'), accounts: ACCOUNTS }
  const own = ALL.filter(({ screen, name }) => SCREENS_WITH_STATE.includes(screen) && name !== 'on a phone')
  for (const { screen, name, show } of own) {
    const [, state] = /data-state="(\w+)"/.exec(renderToStaticMarkup(show(setting))) ?? []
    expect(`${screen}/${state}`).toBe(`${screen}/${name.split(', ')[0]}`)
  }
})

type Planted = { state: 'planted' }

/** Checked by `tsc`: an unused `@ts-expect-error` is an error. */
test('a state without a fixture does not compile', () => {
  // @ts-expect-error
  SIGN_IN satisfies Fixtures<SignInScreen | Planted>
  // @ts-expect-error
  APPROVAL satisfies Fixtures<ApprovalScreen | Planted>
  // @ts-expect-error
  SCAN satisfies Fixtures<ScanScreen | (Omit<ScanScreen, 'state'> & Planted)>
})

test('a fixture under the name of another or an unknown state does not compile', () => {
  // @ts-expect-error
  void ({ ...SIGN_IN, denied: () => ({ state: 'mismatch' }) } satisfies Fixtures<SignInScreen>)
  // @ts-expect-error
  void ({ ...SIGN_IN, 'denied, twice': () => ({ state: 'mismatch' }) } satisfies Fixtures<SignInScreen>)
  // @ts-expect-error
  void ({ ...SIGN_IN, planted: () => ({ state: 'denied' }) } satisfies Fixtures<SignInScreen>)
})

test('every switch over the states of a screen has an exhaustiveness check', () => {
  const files = readdirSync('app', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.tsx'))
  const switches = files.flatMap((path) =>
    readFileSync(`app/${path}`, 'utf8')
      .split(/switch \(screen\.state\)/)
      .slice(1)
      .map((rest) => ({ path, body: rest.slice(0, rest.indexOf('\n  }\n')) })),
  )
  const open = switches.filter(({ body }) => !/default:\n.* satisfies (never|Ending)/.test(body))
  expect(open).toEqual([])
  expect(switches.map(({ path }) => path).sort()).toEqual([
    'login/announcer.tsx',
    'login/caption.tsx',
    'login/tile.tsx',
    'phone/scan/scan-view.tsx',
    'q/approval-view.tsx',
  ])
})
