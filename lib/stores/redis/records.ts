import { FullError } from '../../core/rate-limit/limits'
import { type FoundRecord, MAX_RECORDS, type RecordCause, type StoredRecord } from '../../core/record-store'
import type { Batch } from './client/batch'
import type { Reply } from './client/redis'
import { FULL } from './documents'

/**
 * Records of unauthenticated clients live for at most half an hour; see `capacity` in the script.
 */
const INSERTED_LIFE_MS = 1_800_000

/** The records of the shared store: steps of the script, and what they return. */
export class RedisRecords {
  readonly #batch: Batch
  readonly #max: number

  constructor(batch: Batch, max = MAX_RECORDS) {
    this.#batch = batch
    this.#max = max
  }

  async insert(record: StoredRecord, now: number, cause: RecordCause): Promise<boolean> {
    const room = { lifeMs: INSERTED_LIFE_MS, max: this.#max, counts: cause === 'unauthenticated' }
    const [written] = await this.#batch.run(['insert record', toDocument(record), now, room])
    if (written === FULL) throw new FullError('records')
    return written === 1
  }

  async put(record: StoredRecord, now: number): Promise<void> {
    await this.#batch.run(['put record', toDocument(record), now])
  }

  async replace(record: StoredRecord, before: string, now: number): Promise<boolean> {
    const [isWritten] = await this.#batch.run(['replace record', toDocument(record), before, now])
    return isWritten === 1
  }

  async find(key: string, now: number): Promise<FoundRecord | null> {
    const [found] = await this.#batch.run(['find record', key, now])
    return toRecord(found)
  }

  async list(group: string, now: number): Promise<FoundRecord[]> {
    const [found] = await this.#batch.run(['list records', group, now])
    return Array.isArray(found) ? found.map(toRecord).filter((record) => record !== null) : []
  }

  async consume(key: string, now: number): Promise<boolean> {
    const [isFirst] = await this.#batch.run(['consume record', key, now])
    return isFirst === 1
  }

  async remove(key: string): Promise<boolean> {
    const [removed] = await this.#batch.run(['remove record', key])
    return removed === 1
  }

  async removeGroup(group: string): Promise<void> {
    await this.#batch.run(['remove records', group])
  }
}

/** A Lua table has no null: no group is ''. */
function toDocument({ group, ...record }: StoredRecord): object {
  return { ...record, group: group ?? '' }
}

function toRecord(found: Reply | undefined): FoundRecord | null {
  if (!Array.isArray(found)) return null
  const [key, data, ends, group, consumed] = found
  return {
    key: String(key),
    data: String(data),
    expiresAt: Number(ends),
    group: group === '' ? null : String(group),
    consumedAt: consumed === null || consumed === undefined ? null : Number(consumed),
  }
}
