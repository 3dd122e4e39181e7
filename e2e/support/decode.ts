import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Locator } from '@playwright/test'
import { scanRGBABuffer } from '@undecaf/zbar-wasm'
import { PNG } from 'pngjs'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'

const wasm = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
// The library would fetch the WASM file from a CDN.
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer } })

/** The texts of all QR codes in the pixels of an element. */
export async function decodePixels(part: Locator): Promise<string[]> {
  return await decodeWithZXing(await part.screenshot())
}

/** The texts of all QR codes in a PNG, by two independent decoders. */
export async function decodeTwice(picture: Buffer): Promise<{ zxing: string[]; zbar: string[] }> {
  const { data, width, height } = PNG.sync.read(picture)
  const symbols = await scanRGBABuffer(new Uint8Array(data).buffer, width, height)
  return { zxing: await decodeWithZXing(picture), zbar: symbols.map((symbol) => symbol.decode()) }
}

async function decodeWithZXing(picture: Buffer): Promise<string[]> {
  const results = await readBarcodes(new Uint8Array(picture), { formats: ['QRCode'] })
  return results.map(({ text }) => text)
}
