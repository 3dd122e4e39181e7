import { connect, constants } from 'node:http2'

export interface Answer {
  status: number
  text: string
  headers: Record<string, unknown>
}

/**
 * One request by HTTP/2 to a server with any certificate, or what comes of a stream within `forMs`.
 */
export function ask(
  to: string,
  path: string,
  headers: Record<string, string> = {},
  forMs?: number,
  body?: object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(to, { rejectUnauthorized: false })
    session.on('error', reject)
    const asked = session.request({ [constants.HTTP2_HEADER_PATH]: path, ...headers })
    let text = ''
    let answer: Record<string, unknown> = {}
    const end = () => {
      session.destroy()
      resolve({ status: Number(answer[':status']), text, headers: answer })
    }
    asked.on('response', (response) => {
      answer = response
    })
    asked.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    asked.on('error', reject)
    asked.on('end', end)
    if (forMs !== undefined) setTimeout(end, forMs)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** The first cookie that an answer sets. */
export function cookieOf({ headers }: Answer): string {
  const [line = ''] = headers['set-cookie'] as string[]
  return line.split(';')[0] ?? ''
}

/** Whether the instance behind an address is ready. */
export async function isUp(to: string): Promise<boolean> {
  return await ask(to, '/api/health/ready').then(
    ({ status }) => status === 200,
    () => false,
  )
}
