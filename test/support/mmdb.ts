type Value = string | number | { [key: string]: Value } | Value[]
type Node = [Node | Leaf | null, Node | Leaf | null]
interface Leaf {
  record: Value
}

const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const SEPARATOR_BYTES = 16

/**
 * The content of an MMDB file (MaxMind DB, version 2.0: IPv6 tree, 24-bit records). `networks`: the
 * prefix as a string of bits of the IPv6 address, and its record.
 */
export function writeMmdb(networks: [bits: string, record: Value][]): Buffer {
  const root: Node = [null, null]
  for (const [bits, record] of networks) insert(root, bits, record)
  const nodes: Node[] = []
  collect(root, nodes)
  const data: Buffer[] = []
  const tree = Buffer.alloc(nodes.length * 6)
  nodes.forEach((node, index) => {
    node.forEach((side, at) => {
      const pointer = toPointer(side, nodes, data)
      tree.writeUIntBE(pointer, index * 6 + at * 3, 3)
    })
  })
  const metadata = encode({
    node_count: nodes.length,
    record_size: 24,
    ip_version: 6,
    database_type: 'Test-City',
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_800_000_000,
    description: { en: 'for tests' },
  })
  return Buffer.concat([tree, Buffer.alloc(SEPARATOR_BYTES), ...data, METADATA_MARKER, metadata])
}

/** The bits of an IPv4 network in the IPv6 tree, where it is in the last 32 of 128. */
export function bitsOfIPv4(address: string, length: number): string {
  const bits = address.split('.').map((part) => Number(part).toString(2).padStart(8, '0'))
  return '0'.repeat(96) + bits.join('').slice(0, length)
}

function insert(root: Node, bits: string, record: Value): void {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const side = Number(bit)
    const next = node[side]
    if (next !== null && Array.isArray(next)) node = next
    else {
      const created: Node = [null, null]
      node[side] = created
      node = created
    }
  }
  node[Number(bits.at(-1))] = { record }
}

function collect(node: Node, nodes: Node[]): void {
  nodes.push(node)
  for (const side of node) if (Array.isArray(side)) collect(side, nodes)
}

function toPointer(side: Node | Leaf | null | undefined, nodes: Node[], data: Buffer[]): number {
  if (side === null || side === undefined) return nodes.length
  if (Array.isArray(side)) return nodes.indexOf(side)
  const offset = data.reduce((sum, { length }) => sum + length, 0)
  data.push(encode(side.record))
  return nodes.length + SEPARATOR_BYTES + offset
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    return Buffer.concat([control(2, bytes.length), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, each]) => [encode(key), encode(each)])])
}

/** The control byte of a value. Sizes below 29 only. Types above 7 need a second byte. */
function control(type: number, size: number): Buffer {
  return type <= 7 ? Buffer.from([(type << 5) | size]) : Buffer.from([size, type - 7])
}
