import { describe, expect, test } from 'vitest'
import { compareNetworks, type MatchPolicy, matchReasons, type Risk } from './risk'

const reasonsFor = (policy: MatchPolicy, network: Risk['network'], known: boolean, isTyped = false) =>
  matchReasons(policy, { network, known, isTyped })

describe('the match policy', () => {
  test('risk: a match is required if neither network nor browser is known, with the reasons', () => {
    expect(reasonsFor('risk', 'other', false)).toEqual(['new_browser', 'other_network'])
    expect(reasonsFor('risk', 'unknown', false)).toEqual(['new_browser', 'unknown_network'])
    expect(reasonsFor('risk', 'same', false)).toEqual([])
    expect(reasonsFor('risk', 'other', true)).toEqual([])
  })

  test('always: a match is required because of the policy; never: it is not required', () => {
    expect(reasonsFor('always', 'same', true)).toEqual(['policy'])
    expect(reasonsFor('always', 'other', false)).toEqual(['policy'])
    expect(reasonsFor('never', 'other', false)).toEqual([])
  })

  test('after a typed code a match is required under every policy, and the other reasons stay', () => {
    expect(reasonsFor('never', 'same', true, true)).toEqual(['short_code'])
    expect(reasonsFor('risk', 'same', true, true)).toEqual(['short_code'])
    expect(reasonsFor('risk', 'other', false, true)).toEqual(['short_code', 'new_browser', 'other_network'])
    expect(reasonsFor('always', 'same', true, true)).toEqual(['short_code', 'policy'])
  })

  test('networks compare as unknown if one address is unknown', () => {
    expect(compareNetworks(null, '203.0.113.7')).toBe('unknown')
    expect(compareNetworks(null, null)).toBe('unknown')
    expect(compareNetworks('203.0.113.7', '203.0.113.8')).toBe('other')
  })
})
