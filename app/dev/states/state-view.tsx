'use client'

import type { ReactNode } from 'react'
import ErrorPage from '@/app/error'
import { Announcer } from '@/app/login/announcer'
import { LoginFrame } from '@/app/login/login-frame'
import { PanelShell } from '@/app/login/panel-shell'
import { PanelView } from '@/app/login/panel-view'
import { AppSection } from '@/app/phone/app-section'
import { PasskeySection } from '@/app/phone/passkey-section'
import { PhoneFrame } from '@/app/phone/phone-frame'
import { PhoneHomeView } from '@/app/phone/phone-home-view'
import { PhoneWelcome } from '@/app/phone/phone-welcome'
import { ScanFrame } from '@/app/phone/scan/scan-frame'
import { ScanView } from '@/app/phone/scan/scan-view'
import type { PasskeyProblem } from '@/app/phone/use-passkeys'
import { ApprovalFrame } from '@/app/q/approval-frame'
import { ApprovalView } from '@/app/q/approval-view'
import { Handset } from '@/app/ui/handset'
import { Header } from '@/app/ui/header'
import { NoticePage } from '@/app/ui/notice-page'
import { PhoneSignIn, type SignInSources } from '@/app/ui/phone-sign-in'
import type { SignInScreen } from '@/lib/client/sign-in-screen'
import type { AppView } from '@/lib/core/attempt/app'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { APPS, listAgreed } from './app-fixtures'
import {
  APPROVAL,
  HOST,
  LIN,
  LONG,
  LONG_EMAIL,
  listComputers,
  listPasskeys,
  listPhones,
  PROVIDER,
  SCAN,
  SIGN_IN,
  SITE,
} from './fixtures'
import { HOME_STATES } from './home-states'
import { nothing, type Setting, type Show } from './setting'

type Screens = 'login' | 'login to an app' | 'q' | 'phone' | 'scan' | 'home' | 'page'

const later = async () => {}

/** Every state of every screen, by the screen's name and the state's. */
export const STATES: Record<Screens, Record<string, Show>> = {
  login: {
    ...mapStates(SIGN_IN, (screen) => (setting) => <Login {...setting} screen={screen()} isShown />),
    'on a phone': (setting) => <Login {...setting} screen={{ state: 'loading' }} isShown={false} />,
  },
  'login to an app': Object.fromEntries(
    Object.entries(SIGN_IN)
      .filter(([name]) => /^(loading|ready|denied|mismatch)$/.test(name))
      .flatMap(([name, screen]) => APPS.map((app) => [`${name}, ${app.name}`, { screen, app }] as const))
      .map(([name, { screen, app }]) => [
        name,
        (setting: Setting) => <Login {...setting} screen={screen()} app={app} isShown />,
      ]),
  ),
  q: mapStates(APPROVAL, (screen, name) => (setting) => (
    <Handset>
      <ApprovalFrame {...setting}>
        <ApprovalView
          screen={screen()}
          person={name.includes('long name') ? LONG : LIN}
          host={HOST}
          signIn={<SignIn sources={sourcesOf(name, setting)} />}
          onContinue={nothing}
          onTypeCode={nothing}
          onApprove={nothing}
          onDecline={nothing}
          onAddPasskey={nothing}
          onSignOut={nothing}
          onAgain={nothing}
        />
      </ApprovalFrame>
    </Handset>
  )),
  phone: {
    signed_out: (setting) => (
      <Phone {...setting}>
        <PhoneWelcome>
          <SignIn sources={sourcesOf('signed_out', setting)} />
        </PhoneWelcome>
      </Phone>
    ),
    ...Object.fromEntries(
      [
        'signed_out, own accounts',
        'signed_out, passkey',
        'signed_out, every source',
        'signed_out, provider',
        'signed_out, provider unavailable',
        'signed_out, provider, by the person',
      ].map((name) => [
        name,
        (setting: Setting) => (
          <Phone {...setting}>
            <PhoneWelcome>
              <SignIn sources={sourcesOf(name, setting)} hasSignedOut={name.includes('by the person')} />
            </PhoneWelcome>
          </Phone>
        ),
      ]),
    ),
    home: (setting) => <PhoneHome {...setting} />,
    'home, a notice': (setting) => <PhoneHome {...setting} noticed={1} />,
    'home, no computers': (setting) => <PhoneHome {...setting} computers={0} />,
    'home, one phone': (setting) => <PhoneHome {...setting} phones={1} />,
    'home, apps': (setting) => <PhoneHome {...setting} apps={3} />,
    'home, no apps': (setting) => <PhoneHome {...setting} apps={0} />,
    'home, app not removed': (setting) => <PhoneHome {...setting} apps={1} hasFailed />,
    'home, passkeys': (setting) => <PhoneHome {...setting} passkeys={3} />,
    'home, no passkeys': (setting) => <PhoneHome {...setting} passkeys={0} />,
    'home, passkey not added': (setting) => <PhoneHome {...setting} passkeys={3} problem="exists" />,
  },
  scan: mapStates(SCAN, (screen) => ({ locale, text }) => (
    <Handset beside={<Beside text={text} />}>
      <ScanFrame locale={locale} text={text}>
        <ScanView screen={screen()} onStart={nothing} onLight={nothing} onPhoto={nothing} onLink={nothing} />
      </ScanFrame>
    </Handset>
  )),
  home: HOME_STATES,
  page: {
    'not found': ({ locale, text }) => (
      <NoticePage header={<Header locale={locale} text={text} />} title={text.common.notFoundTitle}>
        <a className="button primary" href="/">
          {text.common.notFoundLink}
        </a>
      </NoticePage>
    ),
    error: () => <ErrorPage error={Object.assign(new Error(), { digest: '2871930411' })} reset={nothing} />,
  },
}

function mapStates<T>(states: Record<string, T>, show: (state: T, name: string) => Show): Record<string, Show> {
  return Object.fromEntries(Object.entries(states).map(([name, state]) => [name, show(state, name)]))
}

type LoginProps = Setting & { screen: SignInScreen; app?: AppView; isShown: boolean }

function Login({ locale, text, screen, app, isShown }: LoginProps) {
  return (
    <LoginFrame locale={locale} text={text} app={app ?? null}>
      <PanelShell isShown={isShown} onShow={nothing}>
        <PanelView
          screen={screen}
          host={HOST}
          app={app?.name ?? null}
          onBack={nothing}
          onStart={nothing}
          onStartOver={nothing}
          onShortCode={nothing}
          onContinue={nothing}
          onNumber={nothing}
        />
        <Announcer screen={screen} host={HOST} />
      </PanelShell>
    </LoginFrame>
  )
}

function SignIn({ sources, hasSignedOut = false }: { sources: SignInSources; hasSignedOut?: boolean }) {
  const last = hasSignedOut ? LIN : null
  return <PhoneSignIn sources={sources} last={last} hasSignedOut={hasSignedOut} onSignedIn={nothing} />
}

/** The sources that the name of a fixture stands for; by default the demo. */
function sourcesOf(name: string, { accounts }: Setting): SignInSources {
  const isDemo = !/own accounts|provider|every source/.test(name)
  return {
    provider: /provider|every source/.test(name) ? PROVIDER : null,
    demoAccounts: isDemo ? accounts : [],
    providerSignOutUrl: 'https://accounts.example.com/sign-out',
    hasPasswords: name.includes('every source'),
    hasPasskeys: /passkey|every source/.test(name),
    site: name.includes('every source') ? SITE : null,
    failure: name.includes('unavailable') ? 'unavailable' : name.includes('denied') ? 'denied' : null,
  }
}

function Phone({ children, ...setting }: Setting & { children: ReactNode }) {
  return (
    <Handset beside={<Beside text={setting.text} />}>
      <PhoneFrame {...setting}>{children}</PhoneFrame>
    </Handset>
  )
}

function Beside({ text }: { text: Catalogue }) {
  return (
    <>
      <h2>{text.phone.explainTitle}</h2>
      <p className="quiet">{text.phone.explain}</p>
    </>
  )
}

interface PhoneHomeCounts {
  computers?: number
  noticed?: number
  phones?: number
  /** Undefined: the server has none. */
  passkeys?: number
  problem?: PasskeyProblem
  /** Undefined: the server has none. */
  apps?: number
  hasFailed?: boolean
}

function PhoneHome(props: Setting & PhoneHomeCounts) {
  const { computers = 3, noticed = 0, phones = 3, passkeys, problem = null, apps, ...more } = props
  const { hasFailed = false, ...setting } = more
  return (
    <Phone {...setting}>
      <PhoneHomeView
        person={LIN}
        account={LONG_EMAIL}
        sessions={listComputers().slice(0, computers)}
        noticed={listComputers().slice(0, noticed)}
        phones={listPhones().slice(0, phones)}
        passkeys={
          passkeys === undefined ? null : (
            <PasskeySection
              passkeys={listPasskeys().slice(0, passkeys)}
              isBusy={false}
              problem={problem}
              add={later}
              rename={later}
              remove={later}
            />
          )
        }
        apps={
          apps === undefined ? null : (
            <AppSection apps={listAgreed().slice(0, apps)} isBusy={false} hasFailed={hasFailed} remove={later} />
          )
        }
        onDismiss={nothing}
        onSignOutEverywhere={nothing}
        onSignOutPhone={nothing}
        onSignOutOtherPhones={nothing}
        onSignOut={nothing}
      />
    </Phone>
  )
}
