import { randomUUID } from 'node:crypto'
import type { OutboxEvent } from '../../core/outbox/event'
import { type Claim, type ClaimRequest, type Delivery, EVENT_LIFE_MS, UNSORTED } from '../../core/outbox/outbox-store'
import { FullError } from '../../core/rate-limit/limits'
import type { SqliteLimits } from './limits'
import type { SqliteFile } from './open'
import { write } from './transaction'

/** Only the oldest entry of a queue has a `due_at`. */
export const OUTBOX_SCHEMA = `
  CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, person_id TEXT NOT NULL, written_at INTEGER NOT NULL,
    due_at INTEGER, lease TEXT, tries INTEGER NOT NULL DEFAULT 0, event TEXT NOT NULL, detail TEXT
  );
  CREATE INDEX IF NOT EXISTS outbox_queue ON outbox (endpoint, person_id, seq);
  CREATE INDEX IF NOT EXISTS outbox_due ON outbox (endpoint, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS outbox_written_at ON outbox (written_at);
`

interface Row {
  seq: number
  endpoint: string
  person_id: string
  tries: number
  event: string
  detail: string | null
}

/** The events of the embedded store. Each write is a transaction, or part of the current one. */
export class SqliteOutbox {
  readonly #db: SqliteFile
  readonly #sql: ReturnType<typeof prepare>
  readonly #limits: SqliteLimits
  readonly #max: number
  #onWrite: (() => void) | null = null
  #hasWritten = false

  /** The schema must exist. */
  constructor(db: SqliteFile, limits: SqliteLimits, max: number) {
    this.#db = db
    this.#sql = prepare(db)
    this.#limits = limits
    this.#max = max
  }

  /** See `OutboxStore.writeEvents`. */
  writeEvents(onWrite: () => void): void {
    this.#onWrite = onWrite
  }

  /** Calls `onWrite` if events were written since the last call. Call it after the transaction. */
  notify(): void {
    if (!this.#hasWritten) return
    this.#hasWritten = false
    this.#onWrite?.()
  }

  /** @throws FullError */
  requireRoom(): void {
    if (this.#onWrite !== null && this.#isFull()) throw new FullError('events')
  }

  /** Writes the event in the current transaction. Null: none. */
  append(event: OutboxEvent | null): void {
    if (this.#onWrite === null || event === null) return
    this.#enqueue({ endpoint: UNSORTED }, event, event.at)
    this.#hasWritten = true
  }

  /** See `OutboxStore.appendEvent`. */
  appendOnce(event: OutboxEvent, { key, until }: { key: string; until: number }): void {
    if (this.#onWrite === null) return
    try {
      write(this.#db, () => {
        if (!this.#isFull() && this.#limits.takeOnce(key, until, event.at)) this.append(event)
      })
    } catch (error) {
      if (!(error instanceof FullError)) throw error
    }
  }

  claim(request: ClaimRequest): Claim[] {
    const due = this.#findDueEndpoints(request.now)
    const hasUnsorted = this.#sql.isDue.get(UNSORTED, request.now) !== undefined
    if (due.length === 0 && !hasUnsorted) return []
    return write(this.#db, () => {
      const claims = this.#claimOf(UNSORTED, request.unsorted, request)
      let left = request.deliveries
      for (const endpoint of due) {
        const room = request.room[endpoint] ?? request.perEndpoint
        const claimed = this.#claimOf(endpoint, Math.min(room, left), request)
        left -= claimed.length
        claims.push(...claimed)
      }
      return claims
    })
  }

  complete(claim: Claim, deliveries: readonly Delivery[], now: number): boolean {
    return write(this.#db, () => {
      const row = this.#sql.findClaimed.get(claim.lease, claim.endpoint, claim.event.personId) as Row | undefined
      if (row === undefined) return false
      this.#remove(row, now)
      for (const delivery of deliveries) this.#enqueue(delivery, claim.event, now)
      return true
    })
  }

  retry({ lease, endpoint, event }: Claim, dueAt: number): boolean {
    return write(this.#db, () => this.#sql.retry.run(dueAt, lease, endpoint, event.personId)).changes > 0
  }

  count(): number {
    return (this.#sql.count.get() as { n: number }).n
  }

  /** Deletes entries that no process has removed, at most `limit`. Returns how many. */
  sweep(now: number, limit: number): number {
    const rows = this.#sql.findOld.all(now - EVENT_LIFE_MS, limit) as Row[]
    if (rows.length === 0) return 0
    write(this.#db, () => {
      for (const row of rows) this.#remove(row, now)
    })
    return rows.length
  }

  #isFull(): boolean {
    // The first count is never too low, and needs two look-ups.
    const { n } = this.#sql.countAtMost.get() as { n: number | null }
    return (n ?? 0) >= this.#max && this.count() >= this.#max
  }

  #enqueue({ endpoint, detail }: Delivery, event: OutboxEvent, now: number): void {
    const { personId } = event
    const isFirst = this.#sql.findFirst.get(endpoint, personId) === undefined
    const columns = [endpoint, personId, now, isFirst ? now : null, JSON.stringify(event), detail ?? null]
    this.#sql.insert.run(...columns)
  }

  /** Removes an entry. The next one of the queue becomes due. */
  #remove({ seq, endpoint, person_id }: Row, now: number): void {
    this.#sql.remove.run(seq)
    const first = this.#sql.findFirst.get(endpoint, person_id) as { seq: number } | undefined
    if (first !== undefined) this.#sql.makeDue.run(now, first.seq)
  }

  /** The endpoints with a due delivery, the one that has waited longest first. */
  #findDueEndpoints(now: number): string[] {
    const found: { endpoint: string; due_at: number }[] = []
    let after = UNSORTED
    for (;;) {
      const next = this.#sql.findEndpoint.get(after) as { endpoint: string; due_at: number } | undefined
      if (next === undefined) break
      after = next.endpoint
      if (next.due_at <= now) found.push(next)
    }
    return found.sort((a, b) => a.due_at - b.due_at).map(({ endpoint }) => endpoint)
  }

  #claimOf(endpoint: string, most: number, { now, leaseEndsAt }: ClaimRequest): Claim[] {
    if (most <= 0) return []
    const rows = this.#sql.findDue.all(endpoint, now, most) as Row[]
    return rows.map(({ seq, tries, event, detail }) => {
      const lease = randomUUID()
      this.#sql.claim.run(lease, leaseEndsAt, seq)
      return { endpoint, event: JSON.parse(event) as OutboxEvent, detail, tries, lease }
    })
  }
}

function prepare(db: SqliteFile) {
  const columns = 'seq, endpoint, person_id, tries, event, detail'
  return {
    insert: db.prepare(
      'INSERT INTO outbox (endpoint, person_id, written_at, due_at, event, detail) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    findFirst: db.prepare('SELECT seq FROM outbox WHERE endpoint = ? AND person_id = ? ORDER BY seq LIMIT 1'),
    /** The next endpoint by name. It reads one row for each endpoint, not for each queue. */
    findEndpoint: db.prepare(
      `SELECT endpoint, due_at FROM outbox
       WHERE due_at IS NOT NULL AND endpoint > ? ORDER BY endpoint, due_at LIMIT 1`,
    ),
    isDue: db.prepare('SELECT 1 FROM outbox WHERE endpoint = ? AND due_at IS NOT NULL AND due_at <= ? LIMIT 1'),
    findDue: db.prepare(
      `SELECT ${columns} FROM outbox
       WHERE endpoint = ? AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, seq LIMIT ?`,
    ),
    claim: db.prepare('UPDATE outbox SET lease = ?, due_at = ? WHERE seq = ?'),
    findClaimed: db.prepare(
      `SELECT ${columns} FROM outbox WHERE lease = ? AND endpoint = ? AND person_id = ? AND due_at IS NOT NULL`,
    ),
    retry: db.prepare(
      `UPDATE outbox SET due_at = ?, tries = tries + 1, lease = NULL
       WHERE lease = ? AND endpoint = ? AND person_id = ? AND due_at IS NOT NULL`,
    ),
    remove: db.prepare('DELETE FROM outbox WHERE seq = ?'),
    makeDue: db.prepare('UPDATE outbox SET due_at = ? WHERE seq = ? AND due_at IS NULL'),
    count: db.prepare('SELECT count(*) AS n FROM outbox'),
    countAtMost: db.prepare('SELECT (SELECT max(seq) FROM outbox) - (SELECT min(seq) FROM outbox) + 1 AS n'),
    findOld: db.prepare(`SELECT ${columns} FROM outbox WHERE written_at <= ? ORDER BY written_at LIMIT ?`),
  }
}
