import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { App, type Browser, countEncodings, dataOf, signedInPhone, signInComputer } from '../../test/support/app'
import type { SessionView } from '../core/session/session'

const PAGES = 30

let app: App
let phone: Browser

beforeEach(async () => {
  app = new App({ RATE_LIMIT_SCALE: '1000' }, Date.now)
  phone = await signedInPhone(app, 'ada')
})
afterEach(() => {
  app.dispose()
  vi.restoreAllMocks()
})

/** Collects the frames of a stream as they arrive. */
function collect(response: Response): string[] {
  const frames: string[] = []
  const decoder = new TextDecoder()
  const read = async () => {
    for await (const bytes of response.body as ReadableStream<Uint8Array>) {
      frames.push(
        ...decoder
          .decode(bytes)
          .split('\n\n')
          .filter((frame) => frame !== ''),
      )
    }
  }
  read().catch(() => {})
  return frames
}

test(`${PAGES} open pages of a person: a change reads and encodes the list at most twice`, async () => {
  const computer = await signInComputer(app, phone)
  const open = async (by: Browser, as: string) => collect(await by.send('GET', `/api/account/events?as=${as}`))
  const onPhone = await Promise.all(Array.from({ length: PAGES - 1 }, () => open(phone, 'phone')))
  const onComputer = await open(computer, 'computer')
  const pages = [...onPhone, onComputer]
  await expect.poll(() => pages.every((frames) => frames.length === 1)).toBe(true)

  const list = vi.spyOn(app.context.sessions, 'list')
  const encodings = countEncodings('sessions')
  await signInComputer(app, phone)
  const lastOf = (frames: string[]) => dataOf<{ sessions: SessionView[] }>(frames.at(-1)).sessions
  await expect.poll(() => pages.every((frames) => lastOf(frames).length === 2)).toBe(true)
  expect(list.mock.calls.length).toBeGreaterThan(0)
  expect(list.mock.calls.length).toBeLessThanOrEqual(2)
  // Once for all pages on phones, and once for the computer, whose list marks it as current.
  expect(encodings()).toBeGreaterThan(0)
  expect(encodings()).toBeLessThanOrEqual(2 * list.mock.calls.length)

  expect(lastOf(onComputer).map(({ current }) => current)).toEqual([false, true])
  for (const frames of onPhone) expect(lastOf(frames).some(({ current }) => current)).toBe(false)
})

test('the last closed page of a person ends the subscription', async () => {
  const responses = await Promise.all([1, 2].map(() => phone.send('GET', '/api/account/events?as=phone')))
  expect(app.context.accountStreams.size).toBe(1)
  for (const { body } of responses) await body?.cancel()
  expect([app.context.accountStreams.size, app.context.watching()]).toEqual([0, 0])
})
