import { describe, expect, test } from 'vitest'
import { compareNetworks, matchReasons } from './risk'

describe('the match policy', () => {
  test('risk: a match is required if neither network nor browser is known, with the reasons', () => {
    expect(matchReasons('risk', { network: 'other', known: false })).toEqual(['new_browser', 'other_network'])
    expect(matchReasons('risk', { network: 'unknown', known: false })).toEqual(['new_browser', 'unknown_network'])
    expect(matchReasons('risk', { network: 'same', known: false })).toEqual([])
    expect(matchReasons('risk', { network: 'other', known: true })).toEqual([])
  })

  test('always: a match is required because of the policy; never: it is not required', () => {
    expect(matchReasons('always', { network: 'same', known: true })).toEqual(['policy'])
    expect(matchReasons('always', { network: 'other', known: false })).toEqual(['policy'])
    expect(matchReasons('never', { network: 'other', known: false })).toEqual([])
  })

  test('networks compare as unknown if one address is unknown', () => {
    expect(compareNetworks(null, '203.0.113.7')).toBe('unknown')
    expect(compareNetworks(null, null)).toBe('unknown')
    expect(compareNetworks('203.0.113.7', '203.0.113.8')).toBe('other')
  })
})
