import { describe, expect, test } from 'vitest'
import { isForeignHost } from './host'

const OWN = new Set(['login.example.com'])

describe('the Host of a request', () => {
  test.each([
    'login.example.com',
    'LOGIN.example.com',
    'login.example.com.',
    'login.example.com:8443',
    'localhost:3000',
    'app.localhost',
    'ada-mac.local:3000',
    'login.default.svc.cluster.local',
    'ip-10-0-0-1.ec2.internal',
    'nas.home.arpa',
    'phone.test',
    '127.0.0.1:3000',
    '192.168.1.23',
    '[::1]:3000',
    'upstream',
    '',
    undefined,
  ])('%j is not foreign', (host) => {
    expect(isForeignHost(host, OWN)).toBe(false)
  })

  test.each([
    'evil.example',
    'login.example.com.evil.example',
    'evil-login.example.com',
    'sub.login.example.com',
    'example.com',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'internal.evil.example',
    'local.example',
    'user@evil.example',
    'a b',
    'http://evil.example',
    '%',
  ])('%j is foreign', (host) => {
    expect(isForeignHost(host, OWN)).toBe(true)
  })
})
