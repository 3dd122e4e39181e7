import { describe, expect, test } from 'vitest'
import { en } from './en'
import { format, formatCountdown, formatDevice, splitStrong } from './format'
import { formatAgo } from './format-ago'
import { formatComputer } from './format-computer'
import { pickLocale } from './locale'
import { zh } from './zh'

function texts(value: object, path = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' ? [[`${path}${key}`, inner] as [string, string]] : texts(inner, `${path}${key}.`),
  )
}

const placeholdersOf = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([placeholder]) => placeholder).sort()

describe('the language', () => {
  test.each([
    ['zh', 'en', 'zh'],
    [undefined, 'zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    [undefined, 'fr,en;q=0.2,zh;q=0.9', 'zh'],
    [undefined, 'fr-FR', 'en'],
    [undefined, 'zh;q=0, en', 'en'],
    [undefined, null, 'en'],
    ['klingon', 'zh', 'zh'],
    [undefined, 'zhx', 'en'],
  ])('cookie %s, header %s: %s', (chosen, header, expected) => {
    expect(pickLocale(chosen, header)).toBe(expected)
  })
})

describe('the catalogues', () => {
  test('have the same placeholders in every text', () => {
    const chinese = new Map(texts(zh))
    for (const [key, text] of texts(en)) {
      expect([key, placeholdersOf(chinese.get(key) ?? '')]).toEqual([key, placeholdersOf(text)])
    }
  })

  test('Chinese uses 登录, 你 and full-width punctuation, and has no English words', () => {
    const names = new Set(['common.brand', 'common.otherLanguage'])
    for (const [key, text] of texts(zh)) {
      expect([key, text]).not.toEqual([key, expect.stringMatching(/登陆|您/)])
      expect([key, text]).not.toEqual([key, expect.stringMatching(/[\u4e00-\u9fff][,.!?:;]|[,!?;][\u4e00-\u9fff]/)])
      const words = text.replace(/\{\w+\}|JavaScript|App|HTTPS|OpenID Connect|Auth\.js|nginx|npm run add-client/g, '')
      if (!names.has(key)) expect([key, words]).not.toEqual([key, expect.stringMatching(/[A-Za-z]{2,}/)])
    }
  })
})

describe('formats', () => {
  test('placeholders are replaced once: a value with a placeholder stays as it is', () => {
    expect(format('Hi, {name}', { name: '{name}' })).toBe('Hi, {name}')
    expect(format('{a} {b}', { a: '1' })).toBe('1 {b}')
  })

  test('strong text', () => {
    expect(splitStrong('a **b** c')).toEqual([
      { text: 'a ', isStrong: false },
      { text: 'b', isStrong: true },
      { text: ' c', isStrong: false },
    ])
  })

  test('a countdown ends at 0:00', () => {
    expect([60_000, 59_001, 9_000, 1, 0, -5].map(formatCountdown)).toEqual([
      '1:00',
      '1:00',
      '0:09',
      '0:01',
      '0:00',
      '0:00',
    ])
  })

  test('relative times in both languages', () => {
    expect(formatAgo(5_000, 'en')).toBe('just now')
    expect(formatAgo(59_999, 'zh')).toBe('刚刚')
    expect(formatAgo(61_000, 'en')).toBe('1 minute ago')
    expect(formatAgo(3 * 3_600_000, 'zh')).toBe('3小时前')
    expect(formatAgo(86_400_000, 'en')).toBe('yesterday')
  })

  test('a device is browser and operating system, or null', () => {
    expect(formatDevice({ browser: 'Chrome', os: 'Windows' })).toBe('Chrome · Windows')
    expect(formatDevice({ browser: null, os: 'Windows' })).toBe('Windows')
    expect(formatDevice({ browser: null, os: null })).toBeNull()
  })

  test('a computer is named by its device, and by the app that it was signed in to', () => {
    const [device, unknown] = [
      { browser: 'Chrome', os: 'Linux' },
      { browser: null, os: null },
    ]
    expect(formatComputer({ ...device, app: null }, 'Unknown')).toBe('Chrome · Linux')
    expect(formatComputer({ ...device, app: { name: 'Wiki' } }, 'Unknown')).toBe('Wiki · Chrome, Linux')
    expect(formatComputer({ ...unknown, app: { name: 'Wiki' } }, 'Unknown')).toBe('Wiki · Unknown')
    expect(formatComputer(unknown, 'Unknown')).toBe('Unknown')
  })
})
