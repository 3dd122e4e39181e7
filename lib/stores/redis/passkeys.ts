import { MAX_PASSKEYS, type Passkey } from '../../core/account/passkey'
import type { PersonRecord } from '../../core/account/person'
import type { Batch } from './client/batch'
import type { Reply } from './client/redis'

/** The passkeys of the shared store: steps of the script, and what they return. */
export class RedisPasskeys {
  readonly #batch: Batch

  constructor(batch: Batch) {
    this.#batch = batch
  }

  async insert({ person, name, counter, lastUsedAt: _, ...data }: Passkey): Promise<'exists' | 'full' | null> {
    const { id, addedAt } = data
    const texts = [JSON.stringify(data), JSON.stringify(person), name]
    const options = { person: person.id, counter, max: MAX_PASSKEYS, addedAt }
    const [written] = await this.#batch.run(['insert passkey', id, ...texts, options])
    return written === 'exists' || written === 'full' ? written : null
  }

  async find(id: string): Promise<Passkey | null> {
    const [found] = await this.#batch.run(['find passkey', id])
    return toPasskey(found)
  }

  async list(personId: string): Promise<Passkey[]> {
    const [found] = await this.#batch.run(['list passkeys', personId])
    const passkeys = Array.isArray(found) ? found.map(toPasskey).filter((passkey) => passkey !== null) : []
    return passkeys.sort((a, b) => b.addedAt - a.addedAt || (a.id < b.id ? -1 : 1))
  }

  async recordUse(id: string, counter: number, now: number): Promise<boolean> {
    return await this.#change(['record passkey use', id, counter, now])
  }

  async rename(personId: string, id: string, name: string): Promise<boolean> {
    return await this.#change(['rename passkey', personId, id, name])
  }

  async remove(personId: string, id: string): Promise<boolean> {
    return await this.#change(['remove passkey', personId, id])
  }

  async describePerson(person: PersonRecord): Promise<void> {
    await this.#batch.run(['describe person', person.id, JSON.stringify(person)])
  }

  async #change(step: Parameters<Batch['run']>[0]): Promise<boolean> {
    const [isChanged] = await this.#batch.run(step)
    return isChanged === 1
  }
}

function toPasskey(found: Reply | undefined): Passkey | null {
  if (!Array.isArray(found)) return null
  const [data, person, name, counter, used] = found
  return {
    ...(JSON.parse(String(data)) as Omit<Passkey, 'person' | 'name' | 'counter' | 'lastUsedAt'>),
    person: JSON.parse(String(person)) as PersonRecord,
    name: String(name),
    counter: Number(counter),
    lastUsedAt: used === null || used === undefined ? null : Number(used),
  }
}
