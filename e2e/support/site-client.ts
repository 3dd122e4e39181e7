import { request } from 'node:https'

export interface SiteResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** '' if there is none. */
  location: string
}

interface SendOptions {
  method?: string
  /** Names and values in turn, as they are sent. Names can be repeated. */
  headers?: readonly string[]
  body?: string
}

export const NAVIGATION = ['Accept', 'text/html,*/*;q=0.8', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Site', 'none']

/**
 * A browser without pages for https hosts of this machine. It keeps cookies by host, as browsers
 * do.
 */
export class SiteClient {
  readonly cookies = new Map<string, Map<string, string>>()

  /** One request. Redirects are not followed; certificates are not verified. */
  async send(
    url: string,
    { method = 'GET', headers = NAVIGATION, body = '' }: SendOptions = {},
  ): Promise<SiteResponse> {
    const authority = /^https:\/\/([^/?#]+)/.exec(url)?.[1] ?? ''
    const [, port = '443'] = authority.split(':')
    const path = url.slice(`https://${authority}`.length) || '/'
    const cookie = [...(this.cookies.get(authority) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    const length = body === '' ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    const own = ['Host', authority, ...(cookie === '' ? [] : ['Cookie', cookie]), ...length]
    return await new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        path,
        method,
        servername: /^[\d.]+:/.test(authority) ? '' : (authority.split(':')[0] ?? ''),
        rejectUnauthorized: false,
        headers: [...own, ...headers],
      }
      const sent = request(options, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => {
          const { statusCode: status = 0, headers: received } = response
          for (const line of received['set-cookie'] ?? []) this.#store(authority, line)
          resolve({ status, headers: received, text, location: received.location ?? '' })
        })
      })
      sent.on('upgrade', (response, socket) => {
        socket.destroy()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '', location: '' })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** Opens a page and follows its redirects. Returns the last address and its response. */
  async open(url: string): Promise<{ url: string; response: SiteResponse }> {
    let at = url
    for (let hops = 0; hops < 10; hops += 1) {
      const response = await this.send(at)
      if (response.location === '' || response.status < 300 || response.status > 399) return { url: at, response }
      at = new URL(response.location, at).href
    }
    throw new Error(`too many redirects: ${at}`)
  }

  /** A request of a page of the same origin, with JSON. */
  async call<T>(method: string, url: string, body: object = {}): Promise<T> {
    const headers = ['Content-Type', 'application/json', 'Sec-Fetch-Site', 'same-origin']
    const { status, text } = await this.send(url, {
      method,
      headers,
      body: method === 'GET' ? '' : JSON.stringify(body),
    })
    if (status > 299) throw new Error(`${method} ${url}: ${status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  #store(authority: string, line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = ''] = pair.split('=', 1)
    const jar = this.cookies.get(authority) ?? new Map<string, string>()
    this.cookies.set(authority, jar)
    if (attributes.includes('Max-Age=0')) jar.delete(name)
    else jar.set(name, pair.slice(name.length + 1))
  }
}
