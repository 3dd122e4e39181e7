import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasRedisServer } from '../support/redis-server'
import { Arena, type Fields, STAGES, type TokenResult } from './arena'

const PARALLEL = 50
const MAX_RACES = 10
/** Later than a reuse counts as parallel. */
const REUSE_MS = 10_100

const NAMES = (Object.keys(STAGES) as (keyof typeof STAGES)[]).filter((name) => name === 'SQLite' || hasRedisServer())

/** `code` was exchanged for `tokens` at the start, and is used again in the last tests. */
interface Early {
  code: Fields
  tokens: TokenResult
  atMs: number
}

const arenas = new Map<string, Arena>()
const early = new Map<string, Early>()
beforeAll(async () => {
  for (const name of NAMES) {
    const arena = await Arena.open(STAGES[name])
    arenas.set(name, arena)
    const code = await arena.getCode()
    early.set(name, { code, tokens: await arena.exchange(code), atMs: performance.now() })
  }
}, 60_000)
afterAll(async () => {
  for (const arena of arenas.values()) await arena.close()
})

const refreshOf = ({ refresh_token: token = '' }: TokenResult) => ({
  grant_type: 'refresh_token',
  refresh_token: token,
})
const INVALID_GRANT = { status: 400, error: 'invalid_grant' }

/** All at once, over all instances. Null if a response was 503: it may be that of the winner. */
async function runOnce(arena: Arena, fields: Fields): Promise<TokenResult | null> {
  const results = await Promise.all(Array.from({ length: PARALLEL }, (_, index) => arena.exchange(fields, index)))
  const counts = { tokens: 0, invalid_grant: 0, unavailable: 0, other: 0 }
  for (const { status, error } of results) {
    if (status === 200) counts.tokens += 1
    else if (status === 400 && error === 'invalid_grant') counts.invalid_grant += 1
    else if (status === 503) counts.unavailable += 1
    else counts.other += 1
  }
  expect(counts.tokens).toBeLessThanOrEqual(1)
  expect(counts.other).toBe(0)
  if (counts.unavailable > 0) return null
  expect(counts).toMatchObject({ tokens: 1, invalid_grant: PARALLEL - 1 })
  return results.find(({ status }) => status === 200) ?? null
}

/** A race without 503, for which a busy machine may need several. Returns the winner. */
async function race(arena: Arena, getFields: () => Promise<Fields>): Promise<TokenResult> {
  for (let tries = 0; tries < MAX_RACES; tries += 1) {
    const winner = await runOnce(arena, await getFields())
    if (winner !== null) return winner
  }
  throw new Error(`each of ${MAX_RACES} races had a response of 503`)
}

describe.each(NAMES)('%s', (name) => {
  let arena: Arena
  beforeAll(() => {
    arena = arenas.get(name) as Arena
  })

  test('50 parallel exchanges of a code: one wins, and the others take nothing from it', async () => {
    const winner = await race(arena, () => arena.getCode())
    expect(await arena.statusOf(winner)).toBe(200)
    expect(await arena.exchange(refreshOf(winner), 2)).toMatchObject({ status: 200 })
  })

  test('50 parallel uses of a refresh token: one wins', async () => {
    await race(arena, async () => refreshOf(await arena.exchange(await arena.getCode())))
  })

  test('a refresh token that is used again ends every token of its family', async () => {
    const tokens = await arena.exchange(await arena.getCode())
    const second = await arena.exchange(refreshOf(tokens), 1)
    const third = await arena.exchange(refreshOf(second), 2)
    expect([await arena.statusOf(tokens), await arena.statusOf(third)]).toEqual([200, 200])
    expect(await arena.exchange(refreshOf(tokens), 2)).toMatchObject(INVALID_GRANT)
    const all = [tokens, second, third]
    expect(await Promise.all(all.map((each) => arena.statusOf(each)))).toEqual([401, 401, 401])
    expect(await arena.exchange(refreshOf(third))).toMatchObject(INVALID_GRANT)
  })
})

test.each(NAMES)('%s: a code that is used again later than 10 s ends its tokens', async (name) => {
  const arena = arenas.get(name) as Arena
  const { code, tokens, atMs } = early.get(name) as Early
  await pause(atMs + REUSE_MS - performance.now())
  expect(await arena.statusOf(tokens)).toBe(200)
  expect(await arena.exchange(code, 1)).toMatchObject(INVALID_GRANT)
  expect(await arena.statusOf(tokens)).toBe(401)
  expect(await arena.exchange(refreshOf(tokens), 2)).toMatchObject(INVALID_GRANT)
})
