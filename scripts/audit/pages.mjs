// Any website can open a page, and so cause what the page does by itself. Checked by the headers of
// the request and the document of the response.
import { hold, Skip } from './check.mjs'

const OPENED = 'opened'

/** Requests for the page that are not from a camera or an address bar. */
const FOREIGN = [
  { how: 'another site (cross-site)', site: 'cross-site', headers: {} },
  { how: 'a neighbouring site (same-site)', site: 'same-site', headers: {} },
  { how: 'a client without Sec-Fetch-Site', site: null, headers: {} },
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
          throw new Skip(`there is no page for a code: /q is answered with ${page.status}`)
        hold(
          /no-store/.test(page.headers['cache-control'] ?? ''),
          '/q may be cached, and shown unchanged to the next site',
        )
        return readState(page.text)
      }
      const own = await stateOf('none', {})
      hold(own !== OPENED, 'a link from the phone’s own camera is handled as one of another site')
      for (const { how, site, headers } of FOREIGN) {
        const state = await stateOf(site, headers)
        hold(
          state === OPENED,
          `opened by ${how}, /q is “${state}” and scans by itself: any website that opens it with a code of its own learns which account the browser has`,
        )
      }
    },
  },
]

/** The state of the page before any script runs. @param {string} html */
function readState(html) {
  const [element] = /<[a-z][^>]*\sdata-testid="review"[^>]*>/i.exec(html) ?? []
  const state = /\sdata-state="([^"]*)"/i.exec(element ?? '')?.[1]
  hold(state !== undefined, '/q does not show whether it scans by itself: no data-testid="review" with a data-state')
  return String(state)
}
