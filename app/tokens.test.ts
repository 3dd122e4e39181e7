import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

type Tokens = Record<string, string>

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')
const [, darkRule = ''] = /prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}/.exec(css) ?? []
const rootRules = css
  .slice(0, css.indexOf('@media (forced-colors'))
  .replace(darkRule, '')
  .matchAll(/:root \{([^}]*)\}/g)

const light: Tokens = Object.assign({}, ...[...rootRules].map(([, rule = '']) => parse(rule)))
const dark: Tokens = { ...light, ...parse(darkRule) }

/** Minimum contrast of text: WCAG 1.4.3. */
const TEXT = 4.5
/** Minimum contrast of parts of controls and of state indicators: WCAG 1.4.11. */
const PART = 3

const PAIRS: [string, string, number][] = [
  ...['--ink', '--ink-2', '--ink-3'].flatMap((ink): [string, string, number][] =>
    ['--bg', '--surface', '--surface-2', '--watermark'].map((background) => [ink, background, TEXT]),
  ),
  ['--ink', '--brand-soft', TEXT],
  ['--ink-2', '--brand-soft', TEXT],
  ['--ink', '--danger-soft', TEXT],
  ['--on-brand', '--brand', TEXT],
  ['--danger', '--bg', TEXT],
  ['--danger', '--surface', TEXT],
  ['--danger', '--surface-2', TEXT],
  ['--danger', '--danger-soft', PART],
  ['--brand', '--surface', PART],
  ['--brand', '--bg', PART],
  ['--brand', '--brand-soft', PART],
  ['--brand', '--line', PART],
  ['--signal', '--surface', PART],
  ['--line-strong', '--bg', PART],
  ['--line-strong', '--surface', PART],
  ['--line-strong', '--surface-2', PART],
  ['--focus', '--bg', PART],
  ['--focus', '--surface', PART],
  ['--focus', '--surface-2', PART],
  ['--focus', '--watermark', PART],
  ['--finder-ink', '--finder-bg', TEXT],
  ['--finder-ink-2', '--finder-bg', TEXT],
  ['--finder-on-brand', '--finder-brand', TEXT],
  ['--finder-brand', '--finder-bg', PART],
  ['--finder-line', '--finder-bg', PART],
  ['--qr-ink', '--qr-paper', 12],
]

test.each([
  ['light', light],
  ['dark', dark],
] as const)('every contrast in the %s theme meets WCAG', (_, tokens) => {
  const tooLow = PAIRS.map(([front, background, least]) => {
    const ratio = contrast(tokens[front] ?? '', tokens[background] ?? '')
    return { pair: `${front} on ${background}`, ratio: Number(ratio.toFixed(2)), least }
  }).filter(({ ratio, least }) => !(ratio >= least))
  expect(tooLow).toEqual([])
})

test('a code is dark on white in both themes', () => {
  expect(parse(darkRule)).not.toHaveProperty('--qr-ink')
  expect(parse(darkRule)).not.toHaveProperty('--qr-paper')
  expect(luminance(light['--qr-ink'] ?? '')).toBeLessThan(0.03)
  expect(luminance(light['--qr-paper'] ?? '')).toBeGreaterThan(0.95)
})

test('the contrast ratio is that of WCAG 2', () => {
  expect(contrast('oklch(1 0 0)', 'oklch(0 0 0)')).toBeCloseTo(21, 1)
  expect(contrast('oklch(0.5 0.1 168)', 'oklch(0.5 0.1 168)')).toBe(1)
  // #00775a on #fcfcf9: the values that a browser computes.
  expect(contrast('oklch(0.5 0.105 168)', 'oklch(0.99 0.004 100)')).toBeCloseTo(5.4, 0)
  expect(contrast('red', 'oklch(1 0 0)')).toBeNaN()
})

function parse(rule: string): Tokens {
  return Object.fromEntries([...rule.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]))
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (high + 0.05) / (low + 0.05)
}

/** Relative luminance of an oklch colour (matrices of CSS Color 4), clipped to sRGB. */
function luminance(colour: string): number {
  const [, l, c, h] = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(colour) ?? []
  const [L, C, H] = [Number(l), Number(c), (Number(h) * Math.PI) / 180]
  const [a, b] = [C * Math.cos(H), C * Math.sin(H)]
  const long = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const medium = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const short = (L - 0.0894841775 * a - 1.291485548 * b) ** 3
  const red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
  const green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
  const blue = -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short
  const [R = 0, G = 0, B = 0] = [red, green, blue].map((part) => Math.min(1, Math.max(0, part)))
  return 0.2126 * R + 0.7152 * G + 0.0722 * B
}
