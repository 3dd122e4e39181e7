import { BarcodeDetector, prepareZXingModule } from 'barcode-detector/ponyfill'

// The decoder comes from where the page comes from; the library's own default is a CDN.
const WASM = new URL('zxing-wasm/reader/zxing_reader.wasm', import.meta.url).href
prepareZXingModule({ overrides: { locateFile: () => WASM } })

const detector = new BarcodeDetector({ formats: ['qr_code'] })

/**
 * The texts of all QR codes in a picture or in the frame that a video shows now. Nothing leaves
 * this device.
 */
export async function readCodes(picture: ImageBitmapSource): Promise<string[]> {
  const found = await detector.detect(picture)
  return found.map(({ rawValue }) => rawValue)
}
