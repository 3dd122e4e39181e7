import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { clientsSchema } from './client-schema.mjs'
import { parseClients } from './clients'

const FILE = 'docs/clients.schema.json'

/** The JSON examples of a page of the guide. */
const examplesOf = (page: string) =>
  [...readFileSync(`docs/guides/apps/${page}`, 'utf8').matchAll(/```json\n(\[.*?\n\])\n```/gs)].map(
    ([, text = '']) => text,
  )

const schema = z.toJSONSchema(clientsSchema, { io: 'input' })

test('docs/clients.schema.json is made from the schema: write it with `npx vitest run lib/apps -u`', async () => {
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(`../../${FILE}`)
})

describe('the JSON schema', () => {
  const validate = new Ajv2020().compile(schema)
  const wiki = {
    client_id: 'wiki',
    client_secret: 'a-secret-of-a-test-that-is-long-enough',
    client_name: '维基',
    redirect_uris: ['https://wiki.example.com/callback'],
  }

  test('takes what the server takes', () => {
    expect(parseClients(JSON.stringify([wiki]))).toHaveLength(1)
    expect(validate([wiki])).toBe(true)
  })

  test.each([
    { surprise: true },
    { client_id: 'our wiki' },
    { client_secret: 'short' },
    { client_name: 'Wi\u202eki' },
    { grant_types: ['implicit'] },
    { redirect_uris: 'https://wiki.example.com/callback' },
    { first_party: 'yes' },
  ])('refuses %j, as the server does', (changed) => {
    expect(() => parseClients(JSON.stringify([{ ...wiki, ...changed }]))).toThrow('The clients file has mistakes')
    expect(validate([{ ...wiki, ...changed }])).toBe(false)
  })

  test('both languages of the guide have every field', () => {
    for (const page of ['README.md', 'README.zh-CN.md']) {
      const rows = [...readFileSync(`docs/guides/apps/${page}`, 'utf8').matchAll(/^\| (`[a-z].*?) \|/gm)].join()
      for (const field of Object.keys(clientsSchema.element.shape)) expect(rows).toContain(`\`${field}\``)
    }
  })

  test('the server and the schema take the examples of the guide', () => {
    for (const page of ['README.md', 'README.zh-CN.md']) {
      const examples = examplesOf(page)
      expect(examples.length).toBeGreaterThan(0)
      for (const text of examples) {
        expect(parseClients(text).length).toBeGreaterThan(0)
        expect(validate(JSON.parse(text))).toBe(true)
      }
    }
  })
})
