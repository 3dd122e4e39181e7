import { Agent } from './agent'

/** Opened at once: browsers do not come all in the same millisecond either. */
const OPENED_AT_ONCE = 100

const BYE = /event: bye\ndata: \{"retryMs":(\d+)\}/

/** Streams of as many browsers, each on an attempt of its own. */
export async function openStreams(origin: string, count: number): Promise<Response[]> {
  const opened: Response[] = []
  while (opened.length < count) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened.length) }, async () => {
      const agent = new Agent(origin)
      const { json } = await agent.send('POST', '/api/qr', {})
      return await agent.open('GET', `/api/qr/${json.id}/events`)
    })
    opened.push(...(await Promise.all(some)))
  }
  return opened
}

/**
 * The `retryMs` of each stream's goodbye, when all have ended; undefined for one that ended
 * without.
 */
export async function readGoodbyes(streams: Response[]): Promise<(string | undefined)[]> {
  const texts = await Promise.all(streams.map((response) => response.text().catch(() => '')))
  return texts.map((text) => BYE.exec(text)?.[1])
}
