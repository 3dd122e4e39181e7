import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MAX_QUERY_CHARS } from '../api/oidc'
import { APP_REQUEST_MS } from '../apps/app-requests'
import { ADDRESS_MS, APP_CODE_MS } from '../apps/forward-auth'
import { LOGOUT_LIFE_MS } from '../apps/oidc/backchannel-logout'
import { CONSENT_MS } from '../apps/oidc/consents'
import { CODE_S, TOKEN_S } from '../apps/oidc/provider'
import { ROTATE_EVERY_MS } from '../apps/oidc/signing-keys'
import { WEBHOOK_LIFE_MS } from '../apps/outbox/webhooks'
import { CHALLENGE_MS } from '../core/account/challenge'
import { MAX_PASSKEY_NAME_CHARS, MAX_PASSKEYS } from '../core/account/passkey'
import { REDEEM_TRIES, TOMBSTONE_MS } from '../core/attempt/attempt'
import { MAX_EVENTS } from '../core/outbox/outbox-store'
import { RULES } from '../core/rate-limit/limiter'
import { MAX_COUNTERS_PER_RULE, MAX_USED } from '../core/rate-limit/limits'
import { MAX_RECORDS } from '../core/record-store'
import { MAX_PHONES } from '../core/session/session'
import { MAX_ATTEMPTS, MAX_REMEMBERED } from '../core/store'
import { rateLimitKeys } from '../http/address'
import { MAX_APP_PATH } from '../http/next-path'
import { REFUSALS_PER_MINUTE } from '../http/refusals'
import { parseConfig } from './config'
import { PAGES_A_MINUTE } from './node/page-limit'

/** PROTOCOL.md states each number, because outside clients rely on them. */

const text = readFileSync('PROTOCOL.md', 'utf8').replaceAll('\n', ' ')
const [, wide, site] = rateLimitKeys('2001:db8::1').map(({ factor }) => factor) as [number, number, number]
const prefixes = (limit: number) => `/64 ${limit}, /56 ${limit * wide}, /48 ${limit * site}`
const many = (count: number) => count.toLocaleString('en-US')

const perAddress = (RULES.start_by_address.limit * 18).toLocaleString('en-US')
const perSite = (RULES.start_by_address.limit * wide * 18).toLocaleString('en-US')
const perBlock = (RULES.start_by_address.limit * site * 18).toLocaleString('en-US')
const { lifetimes } = parseConfig({ NODE_ENV: 'test' }, { lanAddress: null, loadSecret: () => 'x'.repeat(43) })
const longestMs = lifetimes.attemptMs + lifetimes.confirmMs + lifetimes.ticketMs + TOMBSTONE_MS

test.each([
  `they are kept for ${longestMs / 60_000} min at most), and therefore at most ${perAddress} per address, ${perSite} per /56, ${perBlock} per /48`,
  `${RULES.start_by_browser.limit} a minute per browser`,
  `${RULES.start_by_address.limit} a minute per address (IPv6: ${prefixes(RULES.start_by_address.limit)})`,
  `${RULES.hold.limit} a minute per address (IPv6: ${prefixes(RULES.hold.limit)})`,
  `${RULES.scan.limit} a minute per person; ${RULES.unknown_codes.limit} unknown codes`,
  `short code | ${RULES.wrong_short_codes.limit} wrong ones within ${RULES.wrong_short_codes.windowMs / 60_000} min`,
  `${RULES.wrong_short_codes_by_address.limit} wrong ones within ${RULES.wrong_short_codes_by_address.windowMs / 60_000} min those of an address (IPv6: ${prefixes(RULES.wrong_short_codes_by_address.limit)})`,
  `A short code is two records in the store, for ${(longestMs - TOMBSTONE_MS) / 60_000} min at most`,
  `${RULES.confirm.limit} a minute per person`,
  `add a passkey | ${RULES.add_passkey.limit} a minute per person`,
  `${REDEEM_TRIES} tries of its own browser`,
  `step of a sign-in at the provider, by the site's session or by a passkey | ${RULES.provider_sign_in.limit} a minute per address (IPv6: ${prefixes(RULES.provider_sign_in.limit)})`,
  `${RULES.phone_sign_in.limit} a minute per address (IPv6: /64) and name together`,
  `${RULES.failures_by_address.limit} failures a minute per address over all names (IPv6: ${prefixes(RULES.failures_by_address.limit)})`,
  `${RULES.failures_by_name.limit} failures an hour per name`,
  `request of an app that leads to a sign-in (\`/oidc/auth\`, section 4.6) | ${RULES.app_request.limit} a minute per address (IPv6: ${prefixes(RULES.app_request.limit)}); of a signed-in browser ${RULES.app_request_by_session.limit} a minute per session`,
  `The code is valid for ${APP_CODE_MS / 1000} s, once`,
  `address of the sign-in is valid for ${ADDRESS_MS / 60_000} min, and the waiting request for ${APP_REQUEST_MS / 60_000} min`,
  `of at most ${many(MAX_APP_PATH)} characters`,
  `refresh the tokens of an app | ${RULES.refresh.limit} an hour per session and app`,
  `${RULES.bad_credentials.limit} a minute per address (IPv6: ${prefixes(RULES.bad_credentials.limit)})`,
  `${REFUSALS_PER_MINUTE} a minute per address (IPv6: ${prefixes(REFUSALS_PER_MINUTE)})`,
  `${PAGES_A_MINUTE} a minute per address (IPv6: ${prefixes(PAGES_A_MINUTE)})`,
  `${many(MAX_COUNTERS_PER_RULE)} counters of each rule and ${many(MAX_USED)} nonces and challenges`,
  `${many(MAX_ATTEMPTS)} in all, ended ones included`,
  `beyond ${many(MAX_EVENTS)} entries, scans and sign-ins get 503`,
  `${many(MAX_RECORDS)} records of unauthenticated clients`,
  `Codes live for ${CODE_S} s, access and ID tokens for ${TOKEN_S / 60} min`,
  `per person and client for ${CONSENT_MS / 86_400_000} days`,
  `A query of more than ${MAX_QUERY_CHARS / 1024} KB`,
  `replaced every ${ROTATE_EVERY_MS / 86_400_000} days without a restart`,
  `within 60 s, and then for ${LOGOUT_LIFE_MS / 3_600_000} h`,
  `for ${WEBHOOK_LIFE_MS / 86_400_000} days after the event`,
  `at most \`MAX_COMPUTERS\` computers and ${MAX_PHONES} phones`,
  `A person has at most ${MAX_PASSKEYS}`,
  `\`name\`: 1 to ${MAX_PASSKEY_NAME_CHARS} characters`,
  `for ${CHALLENGE_MS / 60_000} minutes, and once`,
  `The newest ${MAX_REMEMBERED} browsers of a person are kept`,
])('PROTOCOL.md contains: %s', (sentence) => {
  expect(text).toContain(sentence)
})
