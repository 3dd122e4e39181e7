import { findMistake, isChecked } from './response-check'

/**
 * A client without a browser: keeps its cookies and sends an `Origin` header. Throws if a response
 * of the API differs from the OpenAPI document.
 */
export class Agent {
  readonly #next: () => string
  readonly #origin: string
  readonly cookies = new Map<string, string>()

  /**
   * `to`: the origin of the server, or a function that returns it for each request. `origin`: the
   * value of the `Origin` header.
   */
  constructor(to: string | (() => string), origin = String(to)) {
    this.#next = typeof to === 'string' ? () => to : to
    this.#origin = origin
  }

  // biome-ignore lint/suspicious/noExplicitAny: the test asserts the response
  async send(method: string, path: string, body?: unknown): Promise<{ status: number; json: any }> {
    const response = await this.open(method, path, body)
    const text = await response.text()
    return { status: response.status, json: text === '' ? null : JSON.parse(text) }
  }

  async open(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const to = this.#next()
    const response = await fetch(to + path, {
      method,
      headers: {
        Origin: this.#origin,
        Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]?.split('=') ?? []
      this.cookies.set(name, value)
    }
    if (isChecked(to)) await this.#check(method, path, response)
    return response
  }

  async #check(method: string, path: string, response: Response): Promise<void> {
    const { status, headers } = response
    const isRead = /json/.test(headers.get('content-type') ?? '')
    const body = isRead ? await response.clone().text() : null
    const mistake = findMistake({ method, path, status, headers, body })
    if (mistake !== null) throw new Error(mistake)
  }
}
