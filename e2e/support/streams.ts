import { Agent } from './agent'

/** How many streams are opened concurrently. */
const BATCH = 100

const BYE = /event: bye\ndata: \{"retryMs":(\d+)\}/

/** Opens `count` streams, each of another browser and on its own attempt. */
export async function openStreams(origin: string, count: number): Promise<Response[]> {
  const opened: Response[] = []
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - opened.length) }, async () => {
      const agent = new Agent(origin)
      const { json } = await agent.send('POST', '/api/qr', {})
      return await agent.open('GET', `/api/qr/${json.id}/events`)
    })
    opened.push(...(await Promise.all(batch)))
  }
  return opened
}

/** Waits for the end of all streams. Returns the `retryMs` of each `bye`; undefined if missing. */
export async function readByes(streams: Response[]): Promise<(string | undefined)[]> {
  const texts = await Promise.all(streams.map((response) => response.text().catch(() => '')))
  return texts.map((text) => BYE.exec(text)?.[1])
}
