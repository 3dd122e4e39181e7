import { BarcodeDetector, prepareZXingModule } from 'barcode-detector/ponyfill'

// The library loads its decoder from a CDN by default. Ours is served with the page.
const WASM = new URL('zxing-wasm/reader/zxing_reader.wasm', import.meta.url).href
prepareZXingModule({ overrides: { locateFile: () => WASM } })

const detector = new BarcodeDetector({ formats: ['qr_code'] })

/**
 * The texts of all QR codes in a picture, or in the current frame of a video. Runs on this device:
 * no picture is sent.
 */
export async function readCodes(picture: ImageBitmapSource): Promise<string[]> {
  const found = await detector.detect(picture)
  return found.map(({ rawValue }) => rawValue)
}
