import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { drawShortCode, formatShortCode, parseShortCode } from './short-code'

const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'

describe('a short code', () => {
  test('has 8 of 20 letters, and each letter is drawn from equally many bytes', () => {
    // Every byte value once: 240 of them are used, so each letter is drawn 12 times.
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value)
    let at = 0
    const next = (size: number) => {
      at += size
      return bytes.subarray(at - size, at)
    }
    const drawn = Array.from({ length: 30 }, () => drawShortCode(next)).join('')
    const counts = [...LETTERS].map((letter) => drawn.split(letter).length - 1)
    expect([drawn.length, counts]).toEqual([240, LETTERS.split('').map(() => 12)])
  })

  test('does not use bytes that would make some letters more frequent', () => {
    const bytes = [Uint8Array.from([240, 255, 0, 19, 250, 20, 39, 1]), Uint8Array.from([2, 241, 3, 4, 5, 6, 7, 8])]
    expect(drawShortCode(() => bytes.shift() ?? new Uint8Array())).toBe('BZBZCDFG')
  })

  test('is read as it is written, in any case and width, with any dashes and spaces', () => {
    for (let round = 0; round < 100; round += 1) {
      const code = drawShortCode(randomBytes)
      expect(parseShortCode(formatShortCode(code))).toBe(code)
    }
    for (const typed of [
      'WDJB-MJHT',
      'wdjbmjht',
      ' wdjb mjht ',
      'W-D-J-B–mjht',
      'ｗｄｊｂ－ＭＪＨＴ',
      '\twDjB\u00a0mJhT\n',
    ]) {
      expect(parseShortCode(typed)).toBe('WDJBMJHT')
    }
    expect(formatShortCode('WDJBMJHT')).toBe('WDJB-MJHT')
  })

  test.each(['', 'WDJB-MJH', 'WDJB-MJHTW', 'WDJB-MJHA', 'WDJB_MJHT', 'WDJB.MJHT', '12345678', 'ＡＡＡＡＡＡＡＡ'])(
    '%j is none',
    (typed) => {
      expect(parseShortCode(typed)).toBeNull()
    },
  )
})
