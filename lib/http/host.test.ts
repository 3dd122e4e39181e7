import { describe, expect, test } from 'vitest'
import { isForeignHost } from './host'

const OWN = new Set(['login.example.com'])

describe('the name that a request is made under', () => {
  test.each([
    'login.example.com',
    'LOGIN.example.com',
    'login.example.com.',
    'login.example.com:8443',
    'localhost:3000',
    'app.localhost',
    '127.0.0.1:3000',
    '192.168.1.23',
    '[::1]:3000',
    'upstream',
    '',
    undefined,
  ])('%j is ours, or nobody’s', (host) => {
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
    'user@evil.example',
    'a b',
    'http://evil.example',
    '%',
  ])('%j is foreign', (host) => {
    expect(isForeignHost(host, OWN)).toBe(true)
  })
})
