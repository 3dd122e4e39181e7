import { afterEach, expect, test, vi } from 'vitest'
import { parseCodeFragment, toHash } from './code-fragment'
import { mayActUnprompted, whenShown } from './unprompted'

afterEach(() => vi.unstubAllGlobals())

/** A document as the browser describes it. */
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
  '%s, activated after %s ms, prerendering: %s may act by itself: %s',
  (type, activationStart, prerendering, expected) => {
    stubDocument(activationStart === undefined ? { type } : { type, activationStart }, prerendering)
    expect(mayActUnprompted(true)).toBe(expected)
    expect(mayActUnprompted(false)).toBe(false)
  },
)

test('a browser that tells nothing about the document is not trusted', () => {
  stubDocument(undefined)
  expect(mayActUnprompted(true)).toBe(false)
})

test('what is for a page that is seen waits while it is prerendered', () => {
  const [atOnce, later, undone] = [vi.fn(), vi.fn(), vi.fn()]
  stubDocument({ type: 'navigate' })
  whenShown(atOnce)
  expect(atOnce).toHaveBeenCalledTimes(1)
  const prerendered = stubDocument({ type: 'navigate' }, true)
  whenShown(later)
  whenShown(undone)()
  expect(later).not.toHaveBeenCalled()
  prerendered.dispatchEvent(new Event('prerenderingchange'))
  expect(later).toHaveBeenCalledTimes(1)
  expect(undone).not.toHaveBeenCalled()
})

test.each([
  ['', { code: '', waitsForTap: false }],
  ['#code', { code: 'code', waitsForTap: false }],
  ['#~code', { code: 'code', waitsForTap: true }],
])('the fragment %j is read and written', (hash, expected) => {
  expect(parseCodeFragment(hash)).toEqual(expected)
  expect(toHash(expected)).toBe(hash)
})

test('a mark without a code is no code', () => {
  expect(toHash(parseCodeFragment('#~'))).toBe('')
})
