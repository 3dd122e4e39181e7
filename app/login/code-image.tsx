import { QRCodeSVG } from 'qrcode.react'

/** Dark on white in every theme, error correction L (boosted where it costs no module), quiet zone of 4 modules. */
export function CodeImage({ url, title }: { url: string; title: string }) {
  return (
    <QRCodeSVG
      data-testid="qr-code"
      value={url}
      title={title}
      size={268}
      level="L"
      marginSize={4}
      fgColor="var(--qr-ink)"
      bgColor="var(--qr-paper)"
    />
  )
}
