import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Locator } from '@playwright/test'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'

const wasm = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
// Its own bytes: the library would fetch them from a CDN.
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer } })

/** What a camera would read from this part of the screen: the texts of all QR codes in its pixels. */
export async function decodePixels(part: Locator): Promise<string[]> {
  const results = await readBarcodes(new Uint8Array(await part.screenshot()), { formats: ['QRCode'] })
  return results.map(({ text }) => text)
}
