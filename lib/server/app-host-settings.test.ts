import { expect, test } from 'vitest'
import { ConfigError } from '../core/start-error'
import { parseConfig } from './config'

const HTTPS = { PUBLIC_ORIGIN: 'https://login.example.com', TRUSTED_PROXIES: '192.0.2.1' }

function hostsOf(FORWARD_AUTH_HOSTS: string, env: Record<string, string> = HTTPS) {
  const settings = { NODE_ENV: 'production', SESSION_SECRET: 'x'.repeat(32), ...env, FORWARD_AUTH_HOSTS }
  return parseConfig(settings, { lanAddress: null, loadSecret: () => 'x'.repeat(43) }).forwardAuthHosts
}

/** The settings that are named in the table of mistakes. */
function mistakesOf(hosts: string, env: Record<string, string> = HTTPS): string[] {
  try {
    hostsOf(hosts, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.rows.map(({ name }) => name)
    throw error
  }
  return []
}

test('hosts are compared as browsers write them', () => {
  expect(hostsOf('Wiki.Example.com, files.example.com:8443,a.example:443,bücher.example,[::1]:8080')).toEqual([
    'wiki.example.com',
    'files.example.com:8443',
    'a.example',
    'xn--bcher-kva.example',
    '[::1]:8080',
  ])
  expect(hostsOf('')).toBeNull()
})

test.each([
  'https://wiki.example.com',
  'wiki.example.com/',
  'wiki.example.com/path',
  'a@wiki.example.com',
  'wiki.example.com?a',
  'wiki.example.com#a',
  'wiki.example.com:99999',
  '*.example.com',
  'wiki.example.com.',
  'wiki.example.com.:8443',
  'wiki example.com',
  'login.example.com',
  'LOGIN.example.com:443',
  ',',
])('%s is not the host of an app', (hosts) => {
  expect(mistakesOf(hosts)).toEqual(['FORWARD_AUTH_HOSTS'])
})

test('without a trusted proxy the process does not start', () => {
  const { PUBLIC_ORIGIN } = HTTPS
  expect(mistakesOf('wiki.example.com', { PUBLIC_ORIGIN })).toEqual(['TRUSTED_PROXIES'])
})

test.each(['localhost:8080', 'wiki.localhost:8080', '127.0.0.1:8080', '127.1.2.3', '[::1]:8080'])(
  'with an http PUBLIC_ORIGIN, %s is http',
  (host) => {
    expect(hostsOf(host, { ...HTTPS, PUBLIC_ORIGIN: 'http://localhost:3000' })).toEqual([host])
  },
)

test('the http port of a host of this machine is that of its scheme', () => {
  expect(hostsOf('localhost:80', { ...HTTPS, PUBLIC_ORIGIN: 'http://localhost:3000' })).toEqual(['localhost'])
})

test('an app on another machine needs https, except in local mode', () => {
  const env = { ...HTTPS, PUBLIC_ORIGIN: 'http://192.168.1.5:3000' }
  for (const host of ['wiki.example.com', '192.168.1.6', 'localhost.example.com', '127.0.0.1.example.com'])
    expect(mistakesOf(host, env)).toEqual(['FORWARD_AUTH_HOSTS'])
  expect(hostsOf('192.168.1.6', { ...env, NODE_ENV: 'development' })).toEqual(['192.168.1.6'])
})
