import { createServer, type Server } from 'node:http'

/**
 * A hostile site whose pages navigate to the URL in the query parameter `to`, each in another way.
 * It is on 127.0.0.1, which is cross-site to localhost.
 */
export class ForeignSite {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static start(): Promise<ForeignSite> {
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://foreign')
      const to = searchParams.get('to') ?? ''
      const write = PAGES[pathname]
      if (pathname === '/redirect') response.writeHead(302, { Location: to }).end()
      else if (write === undefined) response.writeHead(404).end()
      else response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><body>${write(to)}</body>`)
    })
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(new ForeignSite(server))))
  }

  get origin(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the site does not listen')
    return `http://127.0.0.1:${address.port}`
  }

  /** The URL of the page at `path` that navigates to `to`. */
  page(path: string, to = ''): string {
    return `${this.origin}${path}?to=${encodeURIComponent(to)}`
  }

  dispose(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

const script = (code: string) => `<script>${code}</script>`
const literal = (value: string) => JSON.stringify(value).replaceAll('<', '\\u003c')
const attribute = (value: string) => value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

const PAGES: Record<string, (to: string) => string> = {
  '/': () => 'nothing',
  '/location': (to) => script(`location.href = ${literal(to)}`),
  '/replace': (to) => script(`location.replace(${literal(to)})`),
  '/refresh': (to) => `<meta http-equiv="refresh" content="0;url=${attribute(to)}">`,
  /** A same-origin redirect first, then `to`. */
  '/redirected': (to) => script(`location.href = '/redirect?to=' + encodeURIComponent(${literal(to)})`),
  '/form': (to) => `<form action="${attribute(to)}"></form>${script('document.forms[0].submit()')}`,
  '/window': (to) => script(`window.handle = window.open(${literal(to)})`),
  '/target': (to) =>
    `<a href="${attribute(to)}" target="victim" rel="opener">x</a>${script('document.links[0].click()')}`,
  '/frame': (to) => `<iframe src="${attribute(to)}"></iframe>`,
  '/prerender': (to) =>
    `<script type="speculationrules">${speculationRules(to)}</script><a href="${attribute(to)}">x</a>`,
  '/prefetch': (to) =>
    `<script type="speculationrules">${speculationRules(to, 'prefetch')}</script><a href="${attribute(to)}">x</a>`,
  '/back': () => script('setTimeout(() => history.back())'),
}

/** Speculation rules that prerender or prefetch `url` immediately. */
export function speculationRules(url: string, action: 'prerender' | 'prefetch' = 'prerender'): string {
  return JSON.stringify({ [action]: [{ urls: [url], eagerness: 'immediate' }] }).replaceAll('<', '\\u003c')
}
