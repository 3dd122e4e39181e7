import { describe, expect, test } from 'vitest'
import { fromPeer } from '../../test/support/peer'
import { isForwarded, PEER_HEADER, readPeer, writePeer } from './peer'

describe('the peer of a request', () => {
  test('is the address that this process has written', () => {
    expect(readPeer(new Headers(fromPeer('203.0.113.7')))).toBe('203.0.113.7')
    expect(readPeer(new Headers(fromPeer('::ffff:203.0.113.7')))).toBe('203.0.113.7')
    expect(readPeer(new Headers(fromPeer('fe80::1%eth0')))).toBe('fe80:0:0:0:0:0:0:1')
  })

  test('is never a value that a client sent, alone or beside the written one', () => {
    const [secret = ''] = fromPeer('203.0.113.7')[PEER_HEADER]?.split(' ') ?? []
    const guesses = ['6.6.6.6', ' 6.6.6.6', `${secret.slice(0, -1)} 6.6.6.6`, `x ${secret} 6.6.6.6`, secret, '']
    for (const value of guesses) expect(readPeer(new Headers({ [PEER_HEADER]: value }))).toBeNull()
    expect(readPeer(new Headers(fromPeer('203.0.113.7', { 'X-Qr-Login-Peer': '6.6.6.6' })))).toBe('203.0.113.7')
  })

  test('is unknown for a closed socket, and without the header', () => {
    expect(readPeer(new Headers(fromPeer(undefined)))).toBeNull()
    expect(readPeer(new Headers())).toBeNull()
  })

  test('is written with a secret that all copies of the module share', async () => {
    const url = './peer?again'
    const copy = (await import(/* @vite-ignore */ url)) as typeof import('./peer')
    expect(copy.readPeer).not.toBe(readPeer)
    const headers: Record<string, string> = {}
    writePeer(headers, '203.0.113.7')
    expect(copy.readPeer(new Headers(headers))).toBe('203.0.113.7')
  })
})

test('forwarding headers count if the peer sent them, not if a framework added them', () => {
  const plain = fromPeer('203.0.113.7', { 'X-Qr-Login-Forwarded': '1', 'X-Qr-Login-Other': '1' })
  expect(isForwarded(new Headers({ ...plain, 'x-forwarded-for': '203.0.113.7' }))).toBe(false)
  for (const name of ['Forwarded', 'X-FORWARDED-For', 'x-forwarded-anything', 'X-Real-IP']) {
    expect(isForwarded(new Headers(fromPeer('203.0.113.7', { [name]: '' })))).toBe(true)
  }
})
