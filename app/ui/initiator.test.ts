import { expect, test } from 'vitest'
import { isInitiatorTrusted } from './initiator'

const isTrusted = (headers: Record<string, string>) => isInitiatorTrusted(new Headers(headers))

test.each([
  ['none', true],
  ['same-origin', true],
  ['same-site', false],
  ['cross-site', false],
  ['', false],
  ['None', false],
  ['none, none', false],
  ['none, cross-site', false],
])('Sec-Fetch-Site: %j: trusted: %s', (site, expected) => {
  expect(isTrusted({ 'Sec-Fetch-Site': site })).toBe(expected)
})

test('a browser without Fetch Metadata is not trusted', () => {
  expect(isTrusted({})).toBe(false)
})

test.each([
  ['Sec-Purpose', 'prefetch'],
  ['Sec-Purpose', 'prefetch;prerender'],
  ['Sec-Purpose', 'anything'],
  ['Purpose', 'prefetch'],
])('%s: %s is not trusted for any Sec-Fetch-Site', (name, value) => {
  for (const site of ['none', 'same-origin']) {
    expect(isTrusted({ 'Sec-Fetch-Site': site, [name]: value })).toBe(false)
  }
})
