import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { measuredApp, scrape } from '../../test/support/scrape'

const RULES = 'deploy/prometheus-alerts.yml'
const DASHBOARD = 'deploy/grafana-dashboard.json'
const rules = readFileSync(RULES, 'utf8')
const runbook = readFileSync('docs/runbook.md', 'utf8')
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined
const folder = mkdtempSync(join(tmpdir(), 'qr-login-alerts-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Alert {
  name: string
  severity: string
  summary: string
  runbook: string
}

const ALERTS: Alert[] = rules
  .split('- alert: ')
  .slice(1)
  .map((text) => {
    const find = (pattern: RegExp) => pattern.exec(text)?.[1] ?? ''
    return {
      name: find(/^(\w+)/),
      severity: find(/severity: (\w+)/),
      summary: find(/summary: (.+)/),
      runbook: find(/runbook: (.+)/),
    }
  })

type Series = Record<string, string>

interface Case {
  series: Series
  labels?: Record<string, string>
  at?: string
}

/** A series of one instance. `values`: in the notation of promtool, one sample every 15 s. */
const of = (sample: string, values: string): Series => {
  const [name = '', labels = ''] = sample.split('{')
  return { [`${name}{instance="a"${labels === '' ? '' : `,${labels.slice(0, -1)}`}}`]: values }
}

const one = (sample: string, values: string, labels: Record<string, string> = {}): Case => ({
  series: of(sample, values),
  labels: { instance: 'a', ...labels },
})

/** For each alert: series that make it fire, and the labels of the alert. */
const FIRES: Record<string, Case> = {
  QrLoginDown: one('up{job="qr-login"}', '0x20', { job: 'qr-login' }),
  QrLoginNotReady: {
    series: { ...of('qr_login_ready', '0x20'), ...of('qr_login_draining', '0x20') },
    labels: { instance: 'a' },
  },
  QrLoginInternalErrors: one('qr_login_refusals_total{code="internal"}', '0 1x20', { code: 'internal' }),
  QrLoginMixedVersions: {
    series: { 'qr_login_build_info{version="1"}': '1x200', 'qr_login_build_info{version="2"}': '1x200' },
    at: '40m',
  },
  QrLoginStoreErrors: one('qr_login_store_errors_total{kind="connection"}', '0+5x20', { kind: 'connection' }),
  QrLoginNoRoom: one('qr_login_store_errors_total{kind="no_room"}', '0+1x20', { kind: 'no_room' }),
  QrLoginStoreSlow: {
    series: {
      ...of('qr_login_store_seconds_bucket{operation="take",le="0.1"}', '0+1x80'),
      ...of('qr_login_store_seconds_bucket{operation="take",le="0.25"}', '0+9x80'),
      ...of('qr_login_store_seconds_bucket{operation="take",le="+Inf"}', '0+9x80'),
    },
    labels: { instance: 'a' },
    at: '15m',
  },
  QrLoginBreakerOpen: one('qr_login_breaker_open', '1x20'),
  QrLoginNotDurable: one('qr_login_fence_failures_total', '0 1x20'),
  QrLoginDiskAlmostFull: {
    series: { ...of('qr_login_disk_free_bytes', '1e8x20'), ...of('qr_login_disk_size_bytes', '1e11x20') },
    labels: { instance: 'a' },
  },
  QrLoginLockLost: one('qr_login_data_dir_lock_held', '0x20'),
  QrLoginOutboxBehind: {
    series: {
      ...of('qr_login_outbox_depth', '3x200'),
      ...of('qr_login_outbox_deliveries_total{outcome="delivered"}', '9x200'),
    },
    labels: { instance: 'a' },
    at: '40m',
  },
  QrLoginWebhooksDropped: one('qr_login_outbox_deliveries_total{outcome="dropped"}', '0 1x20', { outcome: 'dropped' }),
  QrLoginClockStep: one('qr_login_clock_steps_total', '0 1x20'),
  QrLoginClockOff: { ...one('qr_login_clock_offset_seconds', '-86400x60'), at: '10m' },
  QrLoginShedding: one('qr_login_limited_total{rule="admission"}', '0+50x20', { rule: 'admission' }),
  QrLoginEventLoopLate: one('nodejs_eventloop_lag_p99_seconds', '0.5x20'),
  QrLoginStreamsNearLimit: {
    series: { ...of('qr_login_streams{transport="sse"}', '17000x20'), ...of('qr_login_streams_max', '20000x20') },
    labels: { instance: 'a' },
  },
  QrLoginConnectionsDropped: one('qr_login_connections_dropped_total', '0 3x20'),
  QrLoginFileDescriptors: {
    series: { ...of('process_open_fds', '900x20'), ...of('process_max_fds', '1024x20') },
    labels: { instance: 'a' },
  },
  QrLoginLogLinesDropped: one('qr_login_log_lines_dropped_total', '0 3x20'),
  QrLoginSignInsFail: {
    series: {
      ...of('qr_login_attempts_total{outcome="scanned"}', '0+10x80'),
      ...of('qr_login_attempts_total{outcome="redeemed"}', '0+2x80'),
    },
    at: '15m',
  },
  QrLoginSignInsSlow: {
    series: {
      ...of('qr_login_sign_in_seconds_bucket{le="30"}', '0+1x200'),
      ...of('qr_login_sign_in_seconds_bucket{le="60"}', '0+9x200'),
      ...of('qr_login_sign_in_seconds_bucket{le="+Inf"}', '0+9x200'),
    },
    at: '40m',
  },
  QrLoginCodesTaken: { series: of('qr_login_refusals_total{code="attempt_taken"}', '0+1x80'), at: '15m' },
  QrLoginWrongNumbers: { series: of('qr_login_attempts_total{outcome="cancelled_by_match"}', '0+1x80'), at: '15m' },
  QrLoginWrongPasswords: { series: of('qr_login_refusals_total{code="credentials_wrong"}', '0+5x80'), at: '15m' },
  QrLoginForgedCredentials: { series: of('qr_login_refusals_total{code="token_wrong"}', '0+5x80'), at: '15m' },
}

/** Two hours of a healthy service, including people who cancel or mistype. */
const HEALTHY: Series = {
  ...of('up{job="qr-login"}', '1x480'),
  ...of('qr_login_ready', '1x480'),
  ...of('qr_login_draining', '0x480'),
  ...of('qr_login_build_info{version="1"}', '1x480'),
  ...of('qr_login_refusals_total{code="internal"}', '0x480'),
  ...of('qr_login_refusals_total{code="attempt_taken"}', '0+0.05x480'),
  ...of('qr_login_refusals_total{code="credentials_wrong"}', '0+0.5x480'),
  ...of('qr_login_refusals_total{code="token_wrong"}', '0+0.5x480'),
  ...of('qr_login_store_errors_total{kind="connection"}', '0 1x479'),
  ...of('qr_login_store_errors_total{kind="no_room"}', '0x480'),
  ...of('qr_login_limited_total{rule="admission"}', '0x480'),
  ...of('qr_login_limited_total{rule="refusals full"}', '0x480'),
  ...of('qr_login_store_seconds_bucket{operation="take",le="0.1"}', '0+100x480'),
  ...of('qr_login_store_seconds_bucket{operation="take",le="+Inf"}', '0+100x480'),
  ...of('qr_login_breaker_open', '0x480'),
  ...of('qr_login_fence_failures_total', '0x480'),
  ...of('qr_login_disk_free_bytes', '5e10x480'),
  ...of('qr_login_disk_size_bytes', '1e11x480'),
  ...of('qr_login_data_dir_lock_held', '1x480'),
  ...of('qr_login_clock_steps_total', '0x480'),
  // One that hangs now and then, which is repeated.
  ...of('qr_login_outbox_depth', '0 1 2 1 0 3x475'),
  ...of('qr_login_outbox_deliveries_total{outcome="delivered"}', '0+5x480'),
  ...of('qr_login_outbox_deliveries_total{outcome="dropped"}', '0x480'),
  ...of('qr_login_clock_offset_seconds', '0.02x480'),
  ...of('nodejs_eventloop_lag_p99_seconds', '0.02x480'),
  ...of('qr_login_streams{transport="sse"}', '2000x480'),
  ...of('qr_login_streams_max', '20000x480'),
  ...of('qr_login_connections_dropped_total', '0x480'),
  ...of('process_open_fds', '200x480'),
  ...of('process_max_fds', '1024x480'),
  ...of('qr_login_log_lines_dropped_total', '0x480'),
  ...of('qr_login_attempts_total{outcome="scanned"}', '0+10x480'),
  ...of('qr_login_attempts_total{outcome="redeemed"}', '0+9x480'),
  ...of('qr_login_attempts_total{outcome="cancelled_by_match"}', '0+0.05x480'),
  ...of('qr_login_sign_in_seconds_bucket{le="30"}', '0+9x480'),
  ...of('qr_login_sign_in_seconds_bucket{le="+Inf"}', '0+9x480'),
}

/** A draining process is not ready, and must not fire an alert. */
const DRAINING: Series = { ...of('qr_login_ready', '0x480'), ...of('qr_login_draining', '1x480') }

function toTest(name: string, series: Series, alerts: object[]) {
  const input = Object.entries(series).map(([sample, values]) => ({ series: sample, values }))
  return { name, interval: '15s', input_series: input, alert_rule_test: alerts }
}

function silent(at: string) {
  return ALERTS.map(({ name }) => ({ eval_time: at, alertname: name, exp_alerts: [] }))
}

function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  return status === 0 ? '' : `${status}\n${stdout}${stderr}`
}

/** Runs tests of the rules. Returns '' if all pass, otherwise the output. */
function runTests(tests: object[], file = resolve(RULES)): string {
  const path = join(folder, 'tests.yml')
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ rule_files: [file], evaluation_interval: '15s', tests }))
  return promtool('test', 'rules', path)
}

function firing({ name, severity, summary, runbook }: Alert) {
  const { series, labels = {}, at = '5m' } = FIRES[name] ?? { series: {} }
  const annotations = { summary: summary.replace('{{ $labels.kind }}', labels.kind ?? ''), runbook }
  const expected = [{ exp_labels: { severity, ...labels }, exp_annotations: annotations }]
  return toTest(name, series, [{ eval_time: at, alertname: name, exp_alerts: expected }])
}

describe.skipIf(!hasPromtool)('promtool', () => {
  test('accepts the rules and the configuration', () => {
    expect(promtool('check', 'rules', RULES)).toBe('')
    expect(promtool('check', 'config', '--syntax-only', 'deploy/prometheus.yml')).toBe('')
  })

  test.each(ALERTS)('$name fires on its series', (alert) => {
    expect(FIRES).toHaveProperty(alert.name)
    expect(runTests([firing(alert)])).toBe('')
  })

  test('no alert fires on a healthy service, nor during a drain', () => {
    expect(runTests([toTest('healthy', HEALTHY, silent('2h')), toTest('draining', DRAINING, silent('1h'))])).toBe('')
  })

  test('the checks detect a rule that never fires, and one that always fires', () => {
    const broken = join(folder, 'broken.yml')
    const [alert] = ALERTS.filter(({ name }) => name === 'QrLoginBreakerOpen') as [Alert]
    writeFileSync(broken, rules.replace('qr_login_breaker_open[1m]', 'qr_login_breaker_opened[1m]'))
    expect(runTests([firing(alert)], broken)).toContain('FAILED')
    writeFileSync(broken, rules.replace('[1m]) == 1', '[1m]) == 0'))
    expect(runTests([toTest('healthy', HEALTHY, silent('2h'))], broken)).toContain('FAILED')
  })
})

test('every alert has a summary, a severity, and a section in the runbook', () => {
  expect(ALERTS.length).toBe(Object.keys(FIRES).length)
  for (const { name, severity, summary, runbook: link } of ALERTS) {
    expect(severity).toMatch(/^(page|ticket)$/)
    expect(summary).toMatch(/^[A-Z].{20,110}\.$/)
    expect(link).toBe(`docs/runbook.md#${name.toLowerCase()}`)
    expect(runbook).toMatch(new RegExp(`^#+ ${name}$`, 'm'))
  }
})

test('every file, test title and heading that the runbook names exists', () => {
  const files = [...runbook.matchAll(/`((?:e2e|lib|deploy)\/[^`]+\.\w+)`/g)].map(([, path = '']) => path)
  expect(files.length).toBeGreaterThan(30)
  expect(files.filter((path) => !existsSync(path))).toEqual([])
  const text = runbook.replace(/\n */g, ' ')
  const titles = [...text.matchAll(/`((?:e2e|lib)\/\S+\.ts)`,? ["“]([^"]+)"/g)]
  expect(titles.length).toBeGreaterThan(15)
  const isThere = ([, path = '', title = '']: RegExpMatchArray) => readFileSync(path, 'utf8').includes(title)
  expect(titles.filter((found) => !isThere(found)).map(([found]) => found)).toEqual([])
  const headings = new Set([...runbook.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading))
  const linked = [...text.matchAll(/(?:[Ss]ee|and|As) "([^"]+)"/g)].map(([, heading = '']) => heading)
  expect(linked.filter((heading) => !headings.has(heading))).toEqual([])
  expect(headings.size).toBeGreaterThanOrEqual(20)
})

test('every metric in rules, dashboard and runbook is in a scrape', async () => {
  const app = measuredApp()
  const { types } = await scrape(app)
  app.dispose()
  const dashboard = readFileSync(DASHBOARD, 'utf8')
  const used = new Set((rules + dashboard + runbook).match(/\b(qr_login|nodejs|process)_[a-z0-9_]+/g))
  const families = [...used].map((name) => (types.has(name) ? name : name.replace(/_(bucket|count|sum)$/, '')))
  expect(used.size).toBeGreaterThan(20)
  expect(families.filter((name) => !types.has(name))).toEqual([])
})

describe('the dashboard', () => {
  const { panels, title, templating } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
    title: string
    templating: { list: { name: string }[] }
    panels: {
      id: number
      type: string
      title: string
      gridPos: { x: number; y: number; w: number; h: number }
      targets?: { expr: string; refId: string }[]
    }[]
  }

  test('has panels of known types that do not overlap, each with a query', () => {
    expect(title).toBe('qr-login')
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance'])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { type, targets, gridPos } of panels) {
      expect(['row', 'stat', 'timeseries']).toContain(type)
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      if (type !== 'row') expect(targets?.length).toBeGreaterThan(0)
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })

  test.skipIf(!hasPromtool)('has queries that Prometheus accepts', () => {
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    // Without a server, promtool parses expressions only in rules.
    const group = { name: 'dashboard', rules: queries.map((expr, index) => ({ record: `query_${index}`, expr })) }
    const path = join(folder, 'queries.yml')
    writeFileSync(path, JSON.stringify({ groups: [group] }).replaceAll('$__rate_interval', '5m'))
    expect(promtool('check', 'rules', path)).toBe('')
  })
})
