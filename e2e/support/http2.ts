import { connect, constants } from 'node:http2'

export interface Http2Response {
  status: number
  text: string
  headers: Record<string, unknown>
}

/**
 * Sends one HTTP/2 request; any certificate is accepted. `forMs`: ends a stream after this time and
 * returns what was received.
 */
export function request(
  to: string,
  path: string,
  headers: Record<string, string> = {},
  forMs?: number,
  body?: object,
): Promise<Http2Response> {
  return new Promise((resolve, reject) => {
    const session = connect(to, { rejectUnauthorized: false })
    session.on('error', reject)
    const stream = session.request({ [constants.HTTP2_HEADER_PATH]: path, ...headers })
    let text = ''
    let received: Record<string, unknown> = {}
    const end = () => {
      session.destroy()
      resolve({ status: Number(received[':status']), text, headers: received })
    }
    stream.on('response', (response) => {
      received = response
    })
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    stream.on('error', reject)
    stream.on('end', end)
    if (forMs !== undefined) setTimeout(end, forMs)
    stream.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** The first cookie that a response sets. */
export function cookieOf({ headers }: Http2Response): string {
  const [line = ''] = headers['set-cookie'] as string[]
  return line.split(';')[0] ?? ''
}

/** Whether the server at this origin is ready. */
export async function isUp(to: string): Promise<boolean> {
  return await request(to, '/api/health/ready').then(
    ({ status }) => status === 200,
    () => false,
  )
}
