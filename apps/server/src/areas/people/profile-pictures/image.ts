export interface Image {
  type: string
  width: number
  height: number
}

/**
 * The type and size of the image, read from its first and last bytes; undefined for anything but a complete PNG, JPEG, GIF
 * or WebP. The type that a client claims does not count. (PNG: RFC 2083; JPEG: ITU T.81; GIF89a; WebP: RFC 9649)
 */
export function imageOf(data: Buffer): Image | undefined {
  for (const read of [png, jpeg, gif, webp]) {
    const found = read(data)
    if (found) return found
  }
  return undefined
}

const at = (data: Buffer, start: number, end: number) => data.toString('latin1', start, end)

function png(data: Buffer): Image | undefined {
  if (
    data.length < 45 ||
    at(data, 0, 8) !== '\x89PNG\r\n\x1a\n' ||
    at(data, 12, 16) !== 'IHDR' ||
    at(data, data.length - 8, data.length - 4) !== 'IEND'
  )
    return undefined
  return { type: 'image/png', width: data.readUInt32BE(16), height: data.readUInt32BE(20) }
}

function gif(data: Buffer): Image | undefined {
  if (data.length < 14 || !/^GIF8[79]a$/.test(at(data, 0, 6)) || data.at(-1) !== 0x3b) return undefined
  return { type: 'image/gif', width: data.readUInt16LE(6), height: data.readUInt16LE(8) }
}

/** The size is in the frame header; every segment before that starts with its length. */
function jpeg(data: Buffer): Image | undefined {
  if (data.length < 4 || data.readUInt16BE(0) !== 0xffd8 || data.readUInt16BE(data.length - 2) !== 0xffd9)
    return undefined
  for (let offset = 2; offset + 9 <= data.length;) {
    if (data[offset] !== 0xff) return undefined
    const marker = data[offset + 1]!
    if (marker === 0xff) {
      offset++
      continue
    }
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { type: 'image/jpeg', width: data.readUInt16BE(offset + 7), height: data.readUInt16BE(offset + 5) }
    offset += 2 + data.readUInt16BE(offset + 2)
  }
  return undefined
}

function webp(data: Buffer): Image | undefined {
  if (
    data.length < 30 ||
    at(data, 0, 4) !== 'RIFF' ||
    at(data, 8, 12) !== 'WEBP' ||
    data.readUInt32LE(4) + 8 > data.length
  )
    return undefined
  const type = 'image/webp'
  switch (at(data, 12, 16)) {
    case 'VP8X':
      return { type, width: data.readUIntLE(24, 3) + 1, height: data.readUIntLE(27, 3) + 1 }
    case 'VP8L': {
      const bits = data.readUInt32LE(21)
      return data[20] === 0x2f ? { type, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 } : undefined
    }
    case 'VP8 ':
      return at(data, 23, 26) === '\x9d\x01\x2a'
        ? { type, width: data.readUInt16LE(26) & 0x3fff, height: data.readUInt16LE(28) & 0x3fff }
        : undefined
    default:
      return undefined
  }
}
