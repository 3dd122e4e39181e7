/** A client without a screen: keeps its cookies, and names its origin as a browser does. */
export class Agent {
  readonly #next: () => string
  readonly #origin: string
  readonly cookies = new Map<string, string>()

  /** `to`: where each request goes, one place or the next of several. `origin`: what it says that its pages come from. */
  constructor(to: string | (() => string), origin = String(to)) {
    this.#next = typeof to === 'string' ? () => to : to
    this.#origin = origin
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a server answers is what the test asserts
  async send(method: string, path: string, body?: unknown): Promise<{ status: number; json: any }> {
    const response = await this.open(method, path, body)
    const text = await response.text()
    return { status: response.status, json: text === '' ? null : JSON.parse(text) }
  }

  async open(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const response = await fetch(this.#next() + path, {
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
    return response
  }
}
