import { afterEach, expect, test, vi } from 'vitest'
import { parseCodeFragment, toHash } from './code-fragment'
import { mayActUnprompted, whenShown } from './unprompted'

afterEach(() => vi.unstubAllGlobals())

/** Replaces `document` and its navigation entry. */
function stubDocument(
  entry: { type: string; activationStart?: number } | undefined,
  prerendering?: boolean,
): EventTarget {
  const document = Object.assign(new EventTarget(), prerendering === undefined ? {} : { prerendering })
  vi.stubGlobal('document', document)
  vi.stubGlobal('performance', { getEntriesByType: () => (entry === undefined ? [] : [entry]) })
  return document
}

test.each([
  ['navigate', undefined, undefined, true],
  ['navigate', 0, false, true],
  ['reload', 0, false, true],
  ['navigate', 0, true, false],
  ['navigate', 12.5, false, false],
  ['back_forward', 0, false, false],
  ['back_forward', undefined, undefined, false],
])(
  'navigation type %s, activated after %s ms, prerendering %s: may act unprompted: %s',
  (type, activationStart, prerendering, expected) => {
    stubDocument(activationStart === undefined ? { type } : { type, activationStart }, prerendering)
    expect(mayActUnprompted(true)).toBe(expected)
    expect(mayActUnprompted(false)).toBe(false)
  },
)

test('a browser without a navigation entry may not act unprompted', () => {
  stubDocument(undefined)
  expect(mayActUnprompted(true)).toBe(false)
})

test('`whenShown` waits until a prerendered page is shown, and can be cancelled', () => {
  const [immediate, later, cancelled] = [vi.fn(), vi.fn(), vi.fn()]
  stubDocument({ type: 'navigate' })
  whenShown(immediate)
  expect(immediate).toHaveBeenCalledTimes(1)
  const prerendered = stubDocument({ type: 'navigate' }, true)
  whenShown(later)
  whenShown(cancelled)()
  expect(later).not.toHaveBeenCalled()
  prerendered.dispatchEvent(new Event('prerenderingchange'))
  expect(later).toHaveBeenCalledTimes(1)
  expect(cancelled).not.toHaveBeenCalled()
})

test.each([
  ['', { code: '', waitsForTap: false }],
  ['#code', { code: 'code', waitsForTap: false }],
  ['#~code', { code: 'code', waitsForTap: true }],
])('the fragment %j is parsed and written unchanged', (hash, expected) => {
  expect(parseCodeFragment(hash)).toEqual(expected)
  expect(toHash(expected)).toBe(hash)
})

test('a `~` without a code is an empty fragment', () => {
  expect(toHash(parseCodeFragment('#~'))).toBe('')
})
