import type { ApprovalScreen, LockProblem, LockStep, ReviewScreen } from '@/lib/client/approval-screen'
import { BLANK_SCAN, type ScanScreen } from '@/lib/client/scanner'
import type { ShownTime, SignInScreen } from '@/lib/client/sign-in-screen'
import type { PasskeyView } from '@/lib/core/account/passkey'
import type { MatchReason } from '@/lib/core/attempt/risk'
import type { Review } from '@/lib/core/attempt/views'
import type { EndedBy, PhoneView, SessionView } from '@/lib/core/session/session'
import { asking, CHAT, EVERY_SCOPE, LONG_APP, USER_CODE, WIKI } from './app-fixtures'

/** People, computers and screens as they are in the product, for every state of every screen. */

export const LONG_EMAIL = 'lin.xia-of-the-department-of-long-addresses@subdomain.northwind-traders.example'
/** The name of a team's OpenID provider. */
export const PROVIDER = 'Northwind Traders'
/** The host of a team's own site. */
export const SITE = 'www.northwind-traders.example'
export const LIN = { name: 'Lin Xia', avatarUrl: '/avatars/lin.svg' }

export const LONG = { name: 'Maximiliane Wolfeschlegelsteinhausen-Bergerdorff', avatarUrl: null }

export const HOST = 'login.example.com'

const LINK = `https://${HOST}/q#PZ3vM8kqYxT0bR7nLwE2sHc9UaJd5FgiKo1V`

/**
 * At least one fixture for each state, under the name of the state; its variants are called
 * `state, variant`. Functions, because times start when a state is shown. A missing or misnamed
 * state does not compile.
 */
export type Fixtures<Screen extends { state: string }> = {
  [State in Screen['state']]: () => Screen & { state: State }
} & {
  [State in Screen['state'] as `${State}, ${string}`]: () => Screen & { state: State }
}

const runsFor = (leftMs: number, periodMs: number): ShownTime => ({ periodMs, endsAt: performance.now() + leftMs })

const shortCode = () => ({ letters: 'WDJB-MJHT', ...runsFor(200_000, 300_000) })

const match = { state: 'match', person: LIN, attemptsLeft: 2, isWrong: false, isSending: false } as const

export const SIGN_IN: Fixtures<SignInScreen> = {
  loading: () => ({ state: 'loading' }),
  ready: () => ({ state: 'ready', code: { url: LINK, ...runsFor(24_000, 30_000) } }),
  short_code: () => ({ state: 'short_code', shortCode: shortCode() }),
  'short_code, loading': () => ({ state: 'short_code', shortCode: null }),
  scanned: () => ({ state: 'scanned', person: LIN, time: runsFor(70_000, 120_000) }),
  'scanned, long name, no picture': () => ({ state: 'scanned', person: LONG, time: runsFor(110_000, 120_000) }),
  match: () => ({ ...match, time: runsFor(90_000, 120_000) }),
  'match, wrong once': () => ({ ...match, time: runsFor(80_000, 120_000), attemptsLeft: 1, isWrong: true }),
  confirmed: () => ({ state: 'confirmed', person: LIN }),
  denied: () => ({ state: 'denied' }),
  mismatch: () => ({ state: 'mismatch' }),
  scan_timeout: () => ({ state: 'scan_timeout' }),
  paused: () => ({ state: 'paused' }),
  reconnecting: () => ({ state: 'reconnecting', code: { url: LINK, ...runsFor(12_000, 30_000) }, person: null }),
  'reconnecting, short code': () => ({ state: 'reconnecting', code: shortCode(), person: null }),
  'reconnecting, scanned': () => ({ state: 'reconnecting', code: null, person: LIN }),
  offline: () => ({ state: 'offline' }),
  rate_limited: () => ({ state: 'rate_limited', time: runsFor(42_000, 60_000) }),
  unavailable: () => ({ state: 'unavailable' }),
  error: () => ({ state: 'error', reference: '7f3k21q0-5b1d-4c7e' }),
  lost_request: () => ({ state: 'lost_request' }),
  already: () => ({ state: 'already', person: LIN }),
  'already, long name': () => ({ state: 'already', person: LONG }),
}

const REVIEW: Review = {
  claim: 'claim',
  status: 'scanned',
  expiresInMs: 90_000,
  app: null,
  computer: {
    browser: 'Chrome',
    os: 'Windows',
    place: 'Shanghai',
    requestedAgoMs: 12_000,
    sameNetwork: true,
    known: false,
  },
  match: { required: false, number: null, passed: false, reasons: [] },
}

const UNKNOWN: Review = { ...REVIEW, computer: { ...REVIEW.computer, browser: null, os: null, place: null } }

const KNOWN: Review = { ...REVIEW, computer: { ...REVIEW.computer, known: true, requestedAgoMs: 125_000 } }

const shownOf = (review: Review, lock: LockStep = 'tap', problem: LockProblem | null = null): ReviewScreen => ({
  review,
  lock,
  problem,
})

const WIKI_REVIEW: Review = { ...REVIEW, app: asking(WIKI, null) }
const CHAT_REVIEW: Review = { ...REVIEW, app: asking(CHAT, EVERY_SCOPE) }

const approved = (change: Partial<ApprovalScreen & { state: 'approved' }> = {}) => ({
  state: 'approved' as const,
  signOut: 'offered' as const,
  app: null,
  isDevice: false,
  ...change,
})

const review = (...shown: Parameters<typeof shownOf>) => ({ state: 'review', ...shownOf(...shown) }) as const

const withNumber = (reasons: MatchReason[], passed = false): Review => ({
  ...REVIEW,
  match: { required: true, number: '42', passed, reasons },
})

const DUE = withNumber(['new_browser', 'other_network'])
const MATCHED = withNumber(['new_browser', 'other_network'], true)

export const APPROVAL: Fixtures<ApprovalScreen> = {
  opened: () => ({ state: 'opened' }),
  'opened, long name': () => ({ state: 'opened' }),
  type_code: () => ({ state: 'type_code', typed: '', problem: null }),
  'type_code, malformed': () => ({ state: 'type_code', typed: 'WDJB', problem: { reason: 'malformed' } }),
  'type_code, unknown': () => ({ state: 'type_code', typed: 'WDJB-MJHT', problem: { reason: 'unknown' } }),
  'type_code, too many tries': () => ({
    state: 'type_code',
    typed: 'WDJB-MJHT',
    problem: { reason: 'limited', endsAt: performance.now() + 600_000 },
  }),
  checking: () => ({ state: 'checking' }),
  needs_sign_in: () => ({ state: 'needs_sign_in' }),
  'needs_sign_in, own accounts': () => ({ state: 'needs_sign_in' }),
  'needs_sign_in, provider': () => ({ state: 'needs_sign_in' }),
  'needs_sign_in, provider denied': () => ({ state: 'needs_sign_in' }),
  review: () => review(REVIEW),
  'review, known browser': () => review(KNOWN),
  'review, unknown device': () => review(UNKNOWN),
  'review, number due': () => review(DUE),
  'review, number due, network not known': () => review(withNumber(['new_browser', 'unknown_network'])),
  'review, number due, every time': () => review(withNumber(['policy'])),
  'review, number due, typed code': () => review(withNumber(['short_code', 'new_browser', 'other_network'])),
  'review, number matched': () => review(MATCHED),
  'review, passkey': () => review(REVIEW, 'passkey'),
  'review, passkey, number due': () => review(DUE, 'passkey'),
  'review, passkey, number matched': () => review(MATCHED, 'passkey'),
  'review, passkey, not confirmed': () => review(REVIEW, 'passkey', 'not_confirmed'),
  'review, passkey, number matched, not confirmed': () => review(MATCHED, 'passkey', 'not_confirmed'),
  'review, passkey, wrong': () => review(REVIEW, 'passkey', 'wrong'),
  'review, passkey, failed': () => review(REVIEW, 'passkey', 'failed'),
  'review, may add a passkey': () => review(REVIEW, 'may_add'),
  'review, may add a passkey, number matched': () => review(MATCHED, 'may_add'),
  'review, must add a passkey': () => review(REVIEW, 'must_add'),
  'review, must add a passkey, number due': () => review(DUE, 'must_add'),
  'review, must add a passkey, not added': () => review(REVIEW, 'must_add', 'not_added'),
  'review, must add a passkey, failed': () => review(REVIEW, 'must_add', 'add_failed'),
  'review, browser cannot use passkeys': () => review(REVIEW, 'unable'),
  'review, browser cannot use passkeys, number due': () => review(DUE, 'unable'),
  'review, own app': () => review(WIKI_REVIEW),
  'review, own app, number due': () => review({ ...DUE, app: WIKI_REVIEW.app }),
  'review, app': () => review(CHAT_REVIEW),
  'review, app that only signs in': () => review({ ...REVIEW, app: asking(CHAT, ['openid']) }),
  'review, app, number due': () => review({ ...DUE, app: CHAT_REVIEW.app }),
  'review, app, number matched, passkey': () => review({ ...MATCHED, app: CHAT_REVIEW.app }, 'passkey'),
  'review, app, longest words': () => review({ ...REVIEW, app: asking(LONG_APP, EVERY_SCOPE) }),
  'review, device': () => review({ ...WIKI_REVIEW, userCode: USER_CODE }),
  'review, device, app': () => review({ ...CHAT_REVIEW, userCode: USER_CODE }),
  submitting: () => ({ state: 'submitting', ...shownOf(REVIEW), step: 'confirm' }),
  'submitting, declined': () => ({ state: 'submitting', ...shownOf(REVIEW), step: 'cancel' }),
  'submitting, passkey': () => ({ state: 'submitting', ...shownOf(REVIEW, 'passkey'), step: 'confirm' }),
  'submitting, adding a passkey': () => ({ state: 'submitting', ...shownOf(REVIEW, 'must_add'), step: 'add_passkey' }),
  approved: () => approved(),
  'approved, app': () => approved({ app: WIKI.name }),
  'approved, long app name': () => approved({ app: LONG_APP.name }),
  'approved, device': () => approved({ app: WIKI.name, isDevice: true }),
  'approved, sign-out is sent': () => approved({ signOut: 'sending' }),
  'approved, sign-out waits for an answer': () => approved({ signOut: 'waiting' }),
  signed_out: () => ({ state: 'signed_out' }),
  sign_out_failed: () => ({ state: 'sign_out_failed' }),
  declined: () => ({ state: 'declined' }),
  cancelled_on_computer: () => ({ state: 'cancelled_on_computer' }),
  mismatch: () => ({ state: 'mismatch' }),
  expired: () => ({ state: 'expired' }),
  ended: () => ({ state: 'ended' }),
  taken: () => ({ state: 'taken' }),
  unknown: () => ({ state: 'unknown' }),
  offline: () => ({ state: 'offline', reference: null }),
  rate_limited: () => ({ state: 'rate_limited', endsAt: performance.now() + 600_000 }),
  error: () => ({ state: 'error', reference: '7f3k21q0-5b1d-4c7e' }),
}

const scan = <State extends ScanScreen['state']>(state: State, change: Partial<ScanScreen> = {}) => ({
  ...BLANK_SCAN,
  ...change,
  state,
})

const FOREIGN = 'https://example.org/a/very/long/address?of=a&page'

export const SCAN: Fixtures<ScanScreen> = {
  primer: () => scan('primer'),
  starting: () => scan('starting'),
  scanning: () => scan('scanning'),
  'scanning, with a light': () => scan('scanning', { isLightOn: true }),
  'scanning, 15 s without a hit': () => scan('scanning', { isSlow: true }),
  'scanning, a foreign code': () => scan('scanning', { foreign: FOREIGN }),
  paused: () => scan('paused'),
  found: () => scan('found'),
  'primer, a photo without a code': () => scan('primer', { isPhotoEmpty: true }),
  blocked: () => scan('blocked'),
  no_camera: () => scan('no_camera'),
  busy: () => scan('busy'),
  needs_https: () => scan('needs_https'),
  failed: () => scan('failed'),
}

const HOUR_MS = 3_600_000

function computer(id: string, agoMs: number, change: Partial<SessionView>): SessionView {
  const at = new Date(Date.now() - agoMs).toISOString()
  return {
    id,
    browser: 'Chrome',
    os: 'Windows',
    place: null,
    signedInAt: at,
    lastSeenAt: at,
    current: false,
    method: 'qr',
    acknowledged: false,
    app: null,
    ...change,
  }
}

export const listComputers = (): SessionView[] => [
  computer('a', 20_000, { place: 'Shanghai' }),
  computer('b', 30 * HOUR_MS, { browser: 'Safari', os: 'macOS', place: 'Hangzhou', app: WIKI }),
  computer('c', 21 * 24 * HOUR_MS, { browser: null, os: null }),
]

function phone(id: string, agoMs: number, change: Partial<PhoneView>): PhoneView {
  const at = new Date(Date.now() - agoMs).toISOString()
  return { id, browser: 'Safari', os: 'iOS', place: null, signedInAt: at, lastSeenAt: at, current: false, ...change }
}

export const listPhones = (): PhoneView[] => [
  phone('a', 20_000, { current: true, place: 'Shanghai' }),
  phone('b', 26 * HOUR_MS, { browser: 'Chrome', os: 'Android', place: 'Hangzhou' }),
  phone('c', 12 * 24 * HOUR_MS, { browser: null, os: null }),
]

function passkey(id: string, agoMs: number, change: Partial<PasskeyView>): PasskeyView {
  const addedAt = new Date(Date.now() - agoMs).toISOString()
  return { id, name: 'Safari · iOS', synced: false, addedAt, lastUsedAt: null, ...change }
}

export const listPasskeys = (): PasskeyView[] => [
  passkey('a', 20_000, {}),
  passkey('b', 40 * 24 * HOUR_MS, {
    name: 'Chrome · Android',
    synced: true,
    lastUsedAt: new Date(Date.now() - 2 * HOUR_MS).toISOString(),
  }),
  passkey('c', 90 * 24 * HOUR_MS, { name: LONG.name }),
]

/** Why a computer was signed out. `unknown`: no event gave the reason. */
export const SIGNED_OUT: Record<EndedBy | 'unknown', string> = {
  phone: 'by a phone',
  computer: 'by another computer',
  here: 'in this browser',
  limit: 'by the limit of computers',
  single: 'only one computer',
  app: 'by an app',
  time: 'its time was over',
  unknown: 'not known why',
}
