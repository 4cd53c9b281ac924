// Sees to it that there is a nats-server to test against: the system's, else Debian's package, unpacked under dist/, which needs
// no root. Where it cannot be had, the tests that need it fail and say so.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const PLACES = ['/usr/sbin', '/usr/bin', '/usr/local/bin']

export function obtainNatsServer(root) {
  const folder = join(root, 'dist', 'nats-server')
  const places = [...PLACES, join(folder, 'usr', 'sbin')]
  if (places.some((place) => existsSync(join(place, 'nats-server')))) return
  console.error('getting nats-server …')
  mkdirSync(folder, { recursive: true })
  const run = (program, ...args) =>
    spawnSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  const download = () => run('apt-get', '-qq', 'download', 'nats-server')
  // The list of packages may be missing; only root can bring it.
  if (!download() && !(process.getuid?.() === 0 && run('apt-get', '-qq', 'update') && download())) {
    console.error(
      "nats-server could not be had: tests of fleets will fail. Install Debian's package nats-server.",
    )
    return
  }
  const file = readdirSync(folder).find((name) => name.endsWith('.deb'))
  run('dpkg-deb', '-x', file, folder)
  rmSync(join(folder, file))
}
