import { Agent } from './support/agent'
import { type RecordedResponse, ResponseCheck } from './support/response-check'
import { checkedResponses, expect, test } from './support/test'

// biome-ignore lint/suspicious/noExplicitAny: the tests plant mistakes in this document
type Loose = any

async function record(
  origin: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<RecordedResponse> {
  const response = await fetch(origin + path, { method, headers: { Origin: origin, ...headers } })
  return { method, path, status: response.status, headers: response.headers, body: await response.text() }
}

/** The result of the check after `plant` has changed the document. */
async function withMistake(
  origin: string,
  recorded: RecordedResponse,
  plant: (document: Loose) => void,
): Promise<string | null> {
  const document = await (await fetch(`${origin}/api/openapi.json`)).json()
  plant(document)
  return new ResponseCheck(document).findMistake(recorded)
}

test('a mistake in any part of a response is reported with method, path and status', async ({ server: { origin } }) => {
  const started = await record(origin, 'POST', '/api/qr')
  const unknown = await record(origin, 'GET', `/api/qr/${'A'.repeat(16)}`)
  const refused = await record(origin, 'PUT', '/api/qr')
  for (const response of [started, unknown, refused, await record(origin, 'GET', '/api/nothing')]) {
    expect(await withMistake(origin, response, () => {})).toBeNull()
  }
  const responses = (document: Loose) => document.paths['/api/qr'].post.responses
  const planted: [RecordedResponse, string, (document: Loose) => void][] = [
    [started, 'additional properties', (it) => delete it.components.schemas.Attempt.properties.version],
    [started, "required property 'colour'", (it) => it.components.schemas.Attempt.required.push('colour')],
    [
      started,
      'must be equal to',
      (it) => Object.assign(it.components.schemas.Attempt.properties.status, { enum: ['x'] }),
    ],
    [started, 'no such response', (it) => delete responses(it)[201]],
    [
      started,
      'Content-Type is application/json',
      (it) => Object.assign(responses(it)[201], { content: { 'a/b': {} } }),
    ],
    [
      started,
      'Location-Of is missing',
      (it) => {
        it.components.headers['Location-Of'] = { required: true }
        responses(it)[201].headers['Location-Of'] = { $ref: '#/components/headers/Location-Of' }
      },
    ],
    [started, 'there is a body', (it) => delete responses(it)[201].content],
    [
      unknown,
      'must be equal to one of',
      (it) => {
        const { schema } = it.paths['/api/qr/{id}'].get.responses[404].content['application/problem+json']
        schema.allOf[1].properties.code.enum = ['claim_unknown']
      },
    ],
    [refused, 'no such response', (it) => delete it.components.responses.MethodNotAllowed],
    [{ ...started, body: '{' }, 'not JSON', () => {}],
    [{ ...started, headers: new Headers({ 'Content-Type': 'application/json' }) }, 'no-store', () => {}],
  ]
  for (const [response, message, plant] of planted) {
    const mistake = await withMistake(origin, response, plant)
    expect(mistake).toContain(message)
    expect(mistake).toContain(`${response.method} ${response.path} ${response.status}: `)
  }
})

test('the responses to pages are checked, up to the end of a sign-in', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada')
  const checked = () => checkedResponses().join('\n')
  // The page navigates as soon as it is signed in, so the body of that response may be lost.
  await expect.poll(checked).toMatch(/^POST \/api\/qr\/[\w-]{16}\/redeem 200 /m)
  expect(checked()).toContain('POST /api/qr 201 true')
  expect(checked()).toContain('POST /api/qr/scan 200 true')
  expect(checked()).toContain('POST /api/qr/confirm 200 true')
})

test('an agent throws if a response differs from the document', async ({ server }) => {
  const agent = new Agent(server.origin)
  await expect(agent.send('GET', '/api/session')).resolves.toMatchObject({ status: 200 })
  // Replaces the body of a response from a checked origin.
  const real = globalThis.fetch
  globalThis.fetch = async (...given) => {
    const response = await real(...given)
    return new Response('{"signedIn":"perhaps"}', { status: response.status, headers: response.headers })
  }
  try {
    await expect(agent.send('GET', '/api/session')).rejects.toThrow(/^GET \/api\/session 200: body/)
  } finally {
    globalThis.fetch = real
  }
})
