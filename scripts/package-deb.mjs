// A Debian package without Debian's tools: an `ar` of two tar files. The same files and the same time give the same bytes.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export function makeDeb(files, { version, description, epoch }) {
  const size = Math.ceil(files.reduce((sum, { content }) => sum + content.length, 0) / 1024)
  const control = `Package: qstate
Version: ${version}
Architecture: all
Maintainer: The qstate authors <qstate@localhost>
Installed-Size: ${size}
Depends: nodejs (>= 20.19)
Section: admin
Priority: optional
Description: ${description.replace(/:.*/, '')}
 Activation through SLIC, sound, USB devices, features and properties of
 Windows qubes are written down in YAML, shown as a plan, and applied.
`
  const sums = files
    .map(({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`)
    .join('')
  const about = [
    { path: 'control', content: Buffer.from(control), mode: 0o644 },
    { path: 'md5sums', content: Buffer.from(sums), mode: 0o644 },
  ]
  return ar(
    [
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.gz', gzipSync(tar(about, epoch), { level: 9 })],
      ['data.tar.gz', gzipSync(tar(files, epoch), { level: 9 })],
    ],
    epoch,
  )
}

function ar(members, epoch) {
  const parts = [Buffer.from('!<arch>\n')]
  for (const [name, content] of members) {
    const head = `${name.padEnd(16)}${String(epoch).padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`
    parts.push(Buffer.from(head), content, Buffer.from(content.length % 2 === 1 ? '\n' : ''))
  }
  return Buffer.concat(parts)
}

/** A tar of files and of the folders that they are in, all root's. */
function tar(files, epoch) {
  const folders = new Set(files.flatMap(({ path }) => parents(path)))
  const entries = [
    { name: './', mode: 0o755, type: '5', content: Buffer.alloc(0) },
    ...[...folders].map((path) => ({ name: `./${path}/`, mode: 0o755, type: '5', content: Buffer.alloc(0) })),
    ...files.map(({ path, mode, content }) => ({ name: `./${path}`, mode, type: '0', content })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1))
  const parts = entries.flatMap((entry) => [
    header(entry, epoch),
    entry.content,
    Buffer.alloc(-entry.content.length & 511),
  ])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

function header({ name, mode, type, content }, epoch) {
  if (name.length > 100) throw new Error(`${name} is too long for a tar of this kind`)
  const block = Buffer.alloc(512)
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, '0')}\0`
  block.write(name, 0)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(content.length, 12), 124)
  block.write(octal(epoch, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write(type, 156)
  block.write('ustar\0' + '00', 257)
  block.write('root', 265)
  block.write('root', 297)
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  )
  return block
}

const parents = (path) =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, all) => all.slice(0, index + 1).join('/'))
