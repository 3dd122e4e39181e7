import { describe, expect, test } from 'vitest'
import { isCrossSite } from './origin'

const OWN = new Set(['https://login.example.com'])

describe('the check of the origin', () => {
  const check = (headers: Record<string, string>) => isCrossSite(new Headers(headers), OWN)
  const origin = 'https://login.example.com'

  test.each([
    ['same-origin metadata is trusted', { 'sec-fetch-site': 'same-origin' }, false],
    ['cross-site metadata is not', { 'sec-fetch-site': 'cross-site' }, true],
    ['same-site metadata is not: a sibling host may be hostile', { 'sec-fetch-site': 'same-site' }, true],
    ['none is not: a POST cannot be typed', { 'sec-fetch-site': 'none' }, true],
    ['metadata takes precedence over Origin', { 'sec-fetch-site': 'cross-site', origin }, true],
    ['our own Origin is trusted', { origin, cookie: 'a=b' }, false],
    ['another Origin is not', { origin: 'https://login.example.com.evil.example' }, true],
    ['an Origin with another scheme is not', { origin: 'http://login.example.com' }, true],
    ['Origin null is not', { origin: 'null' }, true],
    ['a bearer token alone is a native app', { authorization: 'Bearer x', 'sec-fetch-site': 'cross-site' }, false],
    ['a bearer token beside a cookie is not', { authorization: 'Bearer x', cookie: 'a=b', origin: 'null' }, true],
    ['another authentication scheme is not', { authorization: 'Basic x', 'sec-fetch-site': 'cross-site' }, true],
    ['a cookie without either is refused', { cookie: 'a=b' }, true],
    ['a request without cookie, metadata and Origin passes', {}, false],
  ])('%s', (_, headers, expected) => {
    expect(check(headers as Record<string, string>)).toBe(expected)
  })
})
