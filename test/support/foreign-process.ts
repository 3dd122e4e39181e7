import { type ChildProcess, spawn } from 'node:child_process'

/** Another process that runs SQL on a database and keeps it open until `end`. */
export class ForeignProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #ready: Promise<void>

  constructor(path: string, sql: string) {
    const script = `
      const Database = require('libsql')
      const db = new Database(process.argv[1])
      try { db.exec(process.argv[2]); process.stdout.write('ok\\n') } catch (error) { process.stdout.write(error.code + '\\n') }
      process.stdin.resume().on('end', () => process.exit())`
    this.#child = spawn(process.execPath, ['-e', script, path, sql], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#ready = new Promise((resolve, reject) => {
      this.#child.stdout?.once('data', (chunk: Buffer) => {
        const result = chunk.toString().trim()
        if (result === 'ok') resolve()
        else reject(new Error(result))
      })
      this.#child.once('error', reject)
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Resolves when the SQL has run; rejects with the error code of SQLite. */
  static async run(path: string, sql: string): Promise<ForeignProcess> {
    const started = new ForeignProcess(path, sql)
    await started.#ready
    return started
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.#ended
  }
}
