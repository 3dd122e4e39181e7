import { describe, expect, test } from 'vitest'
import { backoffMs } from './backoff'
import { findCode } from './code-link'

describe('the backoff', () => {
  test('is between 1 s and a ceiling that doubles up to 30 s', () => {
    expect([0, 1, 2, 4, 5, 50].map((failures) => backoffMs(failures, 0.999_999_9)).map(Math.round)).toEqual([
      1_000, 2_000, 4_000, 16_000, 30_000, 30_000,
    ])
    for (const failures of [0, 1, 7, 1_000]) expect(backoffMs(failures, 0)).toBe(1_000)
  })
})

describe('a scanned or pasted text', () => {
  const OWN = ['https://login.example.com', 'http://localhost:3000']
  const CODE = 'AzIPv5Rcw2p0yi96Kcx5eitg8pZnL6ii5QFJ'

  test('that is our link gives its code', () => {
    for (const link of [`https://login.example.com/q#${CODE}`, ` http://localhost:3000/q#${CODE}\n`]) {
      expect(findCode(link, OWN)).toBe(CODE)
    }
  })

  test('that is the link of a device gives the code that it shows', () => {
    expect(findCode('https://login.example.com/device#WDJB-MJHT', OWN)).toBe('WDJB-MJHT')
    expect(findCode(`https://login.example.com/device#${CODE}`, OWN)).toBeNull()
    expect(findCode('https://evil.example/device#WDJB-MJHT', OWN)).toBeNull()
  })

  test.each([
    `https://evil.example/q#${CODE}`,
    `https://login.example.com.evil.example/q#${CODE}`,
    `https://login.example.com@evil.example/q#${CODE}`,
    `http://login.example.com/q#${CODE}`,
    `https://login.example.com/phone#${CODE}`,
    `https://login.example.com/q?x=1#${CODE}`,
    'https://login.example.com/q',
    'https://login.example.com/q#<script>',
    'javascript:alert(1)',
    'WIFI:S:net;;',
    CODE,
    '',
  ])('%j is not ours', (text) => {
    expect(findCode(text, OWN)).toBeNull()
  })
})
