/** What a stream has sent so far. */
export class EventLog {
  text = ''
  isOver = false

  constructor(response: Response) {
    void this.#read(response)
  }

  /** How often an event came. */
  count(event: string): number {
    return this.text.split(`event: ${event}\n`).length - 1
  }

  /** The data of the last of them, parsed; null when there was none. */
  // biome-ignore lint/suspicious/noExplicitAny: what a server sends is what the test asserts
  last(event: string): any {
    const found = [...this.text.matchAll(new RegExp(`^event: ${event}\\n(?:id: .*\\n)?data: (.*)$`, 'gm'))].at(-1)
    return found === undefined ? null : JSON.parse(found[1] ?? 'null')
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
        this.text += decoder.decode(bytes, { stream: true })
      }
    } catch {
      // Cut off: over as well.
    }
    this.isOver = true
  }
}
