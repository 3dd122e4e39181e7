import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, until } from './server'

export const hasPrometheus = spawnSync('prometheus', ['--version']).error === undefined

/** A real Prometheus that scrapes one server every second, with our alert rules. */
export class Prometheus {
  readonly #origin: string
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(origin: string, process: ChildProcess, folder: string) {
    this.#origin = origin
    this.#process = process
    this.#folder = folder
  }

  static async start(target: string, token: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-prometheus-'))
    const port = await freePort()
    const job = {
      job_name: 'qr-login',
      metrics_path: '/api/metrics',
      authorization: { credentials: token },
      static_configs: [{ targets: [target] }],
    }
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [resolve('deploy/prometheus-alerts.yml')],
      scrape_configs: [job],
    }
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
    const args = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ]
    const child = spawn('prometheus', args, { stdio: 'ignore' })
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, child, folder)
    await until(async () => (await fetch(`${prometheus.#origin}/-/ready`).catch(() => null))?.ok ?? false)
    return prometheus
  }

  /** The current value of an expression; null if there is no sample. */
  async query(expr: string): Promise<number | null> {
    const { data } = await this.#get(`/api/v1/query?query=${encodeURIComponent(expr)}`)
    const value = data.result[0]?.value[1]
    return value === undefined ? null : Number(value)
  }

  /** The labels of the firing alerts, by alert name. */
  async firing(): Promise<Map<string, Record<string, string>>> {
    const { data } = await this.#get('/api/v1/alerts')
    const alerts = data.alerts as { state: string; labels: Record<string, string> }[]
    const firing = alerts.filter(({ state }) => state === 'firing')
    return new Map(firing.map(({ labels }) => [labels.alertname ?? '', labels]))
  }

  async dispose(): Promise<void> {
    const ended = new Promise((done) => this.#process.once('exit', done))
    this.#process.kill('SIGKILL')
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }

  // biome-ignore lint/suspicious/noExplicitAny: the test asserts the response
  async #get(path: string): Promise<any> {
    return await (await fetch(this.#origin + path)).json()
  }
}
