import { expect, test } from 'vitest'
import { fromPeer } from '../../../test/support/peer'
import { AddressList } from '../../http/address'
import { PageLimit } from './page-limit'

test('with 100,000 keys counted, new addresses get 503, and counted ones still pass', () => {
  let now = 0
  const limit = new PageLimit({ trustedProxies: new AddressList([]), scale: 1, files: new Set(), now: () => now })
  const check = (address: string) => limit.check('GET', '/login', new Headers(fromPeer(address)))
  const addressOf = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
  for (let index = 0; index < 100_000; index += 1) expect(check(addressOf(index))).toBeNull()
  expect(check('203.0.113.7')).toEqual({ status: 503, retryAfterS: 10 })
  expect(check('2001:db8::1')).toEqual({ status: 503, retryAfterS: 10 })
  expect(check(addressOf(7))).toBeNull()
  now += 60_000
  expect(check('203.0.113.7')).toBeNull()
})
