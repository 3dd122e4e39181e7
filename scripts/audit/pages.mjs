// What a page does by itself, every website can make it do: as far as the headers of a document
// tell.
import { hold, Skip } from './check.mjs'

const OPENED = 'opened'

/** Requests for the page that a person with a camera or an address bar does not make. */
const FOREIGN = [
  { how: 'another site (cross-site)', site: 'cross-site', headers: {} },
  { how: 'a neighbouring site (same-site)', site: 'same-site', headers: {} },
  { how: 'a client that does not say from where', site: null, headers: {} },
  { how: 'a prerender', site: 'none', headers: { 'Sec-Purpose': 'prefetch;prerender' } },
  { how: 'a prerender of our own page', site: 'same-origin', headers: { 'Sec-Purpose': 'prefetch;prerender' } },
]

/** @type {import('./check.mjs').Check[]} */
export const pages = [
  {
    id: 'pages.foreign',
    title: 'the page of a code that another site opens scans only after a tap',
    flaws: ['F6'],
    mitigations: ['6.1.14'],
    run: async (scene) => {
      const phone = await scene.phoneOf(scene.requireCookiePerson())
      /** @type {(site: string | null, headers: Record<string, string>) => Promise<string>} */
      const stateOf = async (site, headers) => {
        const document = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', Accept: 'text/html' }
        const page = await phone.send('GET', '/q', { site, headers: { ...document, ...headers } })
        if (page.status !== 200 || !/html/.test(page.headers['content-type'] ?? ''))
          throw new Skip(`there is no page of a code: /q is answered with ${page.status}`)
        hold(
          /no-store/.test(page.headers['cache-control'] ?? ''),
          '/q may be kept, and shown to the next site as it was',
        )
        return readState(page.text)
      }
      const own = await stateOf('none', {})
      hold(own !== OPENED, 'a link of the phone’s own camera is taken for another site’s')
      for (const { how, site, headers } of FOREIGN) {
        const state = await stateOf(site, headers)
        hold(
          state === OPENED,
          `opened by ${how}, /q is “${state}” and scans by itself: any website that opens it with a code of its own learns whose browser it is`,
        )
      }
    },
  },
]

/** What the page says of itself before any script runs. @param {string} html */
function readState(html) {
  const [element] = /<[a-z][^>]*\sdata-testid="review"[^>]*>/i.exec(html) ?? []
  const state = /\sdata-state="([^"]*)"/i.exec(element ?? '')?.[1]
  hold(state !== undefined, '/q does not say whether it scans by itself: no data-testid="review" with a data-state')
  return String(state)
}
