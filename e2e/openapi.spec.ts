import { Agent } from './support/agent'
import { AnswerCheck, type Seen } from './support/answers'
import { expect, judgedAnswers, test } from './support/test'

// biome-ignore lint/suspicious/noExplicitAny: a document that mistakes are planted in
type Loose = any

/** An answer as a check sees it. */
async function see(origin: string, method: string, path: string, headers: Record<string, string> = {}): Promise<Seen> {
  const response = await fetch(origin + path, { method, headers: { Origin: origin, ...headers } })
  return { method, path, status: response.status, headers: response.headers, body: await response.text() }
}

/** What the check says when the document is changed before. */
async function withMistake(origin: string, seen: Seen, plant: (document: Loose) => void): Promise<string | null> {
  const document = await (await fetch(`${origin}/api/openapi.json`)).json()
  plant(document)
  return new AnswerCheck(document).findMistake(seen)
}

test('a mistake in any part of an answer is named with method, path and status', async ({ server: { origin } }) => {
  const started = await see(origin, 'POST', '/api/qr')
  const unknown = await see(origin, 'GET', `/api/qr/${'A'.repeat(16)}`)
  const refused = await see(origin, 'PUT', '/api/qr')
  for (const seen of [started, unknown, refused, await see(origin, 'GET', '/api/nothing')]) {
    expect(await withMistake(origin, seen, () => {})).toBeNull()
  }
  const answers = (document: Loose) => document.paths['/api/qr'].post.responses
  const planted: [Seen, string, (document: Loose) => void][] = [
    [started, 'additional properties', (it) => delete it.components.schemas.Attempt.properties.version],
    [started, "required property 'colour'", (it) => it.components.schemas.Attempt.required.push('colour')],
    [
      started,
      'must be equal to',
      (it) => Object.assign(it.components.schemas.Attempt.properties.status, { enum: ['x'] }),
    ],
    [started, 'no such answer', (it) => delete answers(it)[201]],
    [started, 'Content-Type is application/json', (it) => Object.assign(answers(it)[201], { content: { 'a/b': {} } })],
    [
      started,
      'Location-Of is missing',
      (it) => {
        it.components.headers['Location-Of'] = { required: true }
        answers(it)[201].headers['Location-Of'] = { $ref: '#/components/headers/Location-Of' }
      },
    ],
    [started, 'there is a body', (it) => delete answers(it)[201].content],
    [
      unknown,
      'must be equal to one of',
      (it) => {
        const { schema } = it.paths['/api/qr/{id}'].get.responses[404].content['application/problem+json']
        schema.allOf[1].properties.code.enum = ['claim_unknown']
      },
    ],
    [refused, 'no such answer', (it) => delete it.components.responses.MethodNotAllowed],
    [{ ...started, body: '{' }, 'not JSON', () => {}],
    [{ ...started, headers: new Headers({ 'Content-Type': 'application/json' }) }, 'no-store', () => {}],
  ]
  for (const [seen, says, plant] of planted) {
    const mistake = await withMistake(origin, seen, plant)
    expect(mistake).toContain(says)
    expect(mistake).toContain(`${seen.method} ${seen.path} ${seen.status}: `)
  }
})

test('what pages are answered is judged, a sign-in to its end', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada')
  const seen = () => judgedAnswers().join('\n')
  // The page goes on as soon as it is signed in, and may take that answer's body with it.
  await expect.poll(seen).toMatch(/^POST \/api\/qr\/[\w-]{16}\/redeem 200 /m)
  expect(seen()).toContain('POST /api/qr 201 true')
  expect(seen()).toContain('POST /api/qr/scan 200 true')
  expect(seen()).toContain('POST /api/qr/confirm 200 true')
})

test('an agent whose server answers otherwise than the document says throws', async ({ server }) => {
  const agent = new Agent(server.origin)
  await expect(agent.send('GET', '/api/session')).resolves.toMatchObject({ status: 200 })
  // A server of another kind, at an origin that is checked.
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
