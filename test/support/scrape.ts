import { App } from './app'
import { fromPeer } from './peer'

export const METRICS_TOKEN = 'a-token-of-tests-that-is-long-enough'

export function measuredApp(env: Record<string, string> = {}): App {
  return new App({ METRICS_TOKEN, ...env })
}

export async function requestMetrics(app: App, authorization: string | null, method = 'GET'): Promise<Response> {
  const headers = fromPeer('203.0.113.9', authorization === null ? {} : { Authorization: authorization })
  return await app.handle(new Request('https://login.example.com/api/metrics', { method, headers }))
}

export async function scrape(app: App): Promise<Scrape> {
  const response = await requestMetrics(app, `Bearer ${METRICS_TOKEN}`)
  if (response.status !== 200) throw new Error(`the scrape was refused: ${response.status}`)
  return new Scrape(await response.text())
}

/** The samples of one scrape. */
export class Scrape {
  readonly text: string
  /** By name and labels, as in the text. */
  readonly samples: ReadonlyMap<string, number>

  constructor(text: string) {
    this.text = text
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    this.samples = new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))]
      }),
    )
  }

  /** The type of each declared metric, with or without samples. */
  get types(): Map<string, string> {
    return new Map([...this.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]))
  }

  /** A sample, such as `qr_login_streams{transport="sse"}`; undefined if there is none. */
  get(sample: string): number | undefined {
    return this.samples.get(sample)
  }
}
