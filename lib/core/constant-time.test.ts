import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/**
 * A MAC or a digest that is compared as text or by `equals` tells by its time how much is right.
 */
const UNSAFE = /(\bmac\(|\.digest\()[^?]*\)\s*(===|!==|\.equals\(|\.compare\()|(===|!==)\s*(mac\(|createHmac\()/

function unsafeLines(source: string): string[] {
  return source.split('\n').filter((line) => UNSAFE.test(line))
}

test('no MAC is compared but by timingSafeEqual', () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  const sources = files.filter((file) => /\.ts$/.test(file) && !/\.test\.ts$/.test(file))
  const found = sources.flatMap((file) => unsafeLines(readFileSync(join('lib', file), 'utf8')))
  expect(found).toEqual([])
  expect(readFileSync('lib/core/keys.ts', 'utf8')).toContain('timingSafeEqual(a, b)')
})

test.each([
  "return mac(keys.code, signed, 10).toString('hex') === given",
  'if (given !== mac(keys.code, signed, 10)) return null',
  "return createHmac('sha256', secret).update(text).digest().equals(given)",
])('the check finds %s', (planted) => {
  expect(unsafeLines(planted)).toEqual([planted])
})
