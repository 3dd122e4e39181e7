/** Records the events of a stream. */
export class EventLog {
  text = ''
  isOver = false

  constructor(response: Response) {
    void this.#read(response)
  }

  /** How often an event was received. */
  count(event: string): number {
    return this.text.split(`event: ${event}\n`).length - 1
  }

  /** The parsed data of the last event of this name; null if there was none. */
  // biome-ignore lint/suspicious/noExplicitAny: the test asserts the data
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
      // The connection was cut.
    }
    this.isOver = true
  }
}
