// What tests need of the system, beyond Node. `npm test` needs no more than git with its signatures (and a nats-server, which
// scripts/nats-server.mjs gets); test/system/ needs the rest. Run by itself it prints the Debian packages that are missing.
import { spawnSync } from 'node:child_process'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

const CORE = [
  { program: 'git', probe: ['--version'], package: 'git' },
  { program: 'ssh-keygen', probe: ['-?'], package: 'openssh-client' },
]
const SYSTEM = [
  { program: 'dpkg-deb', probe: ['--version'], package: 'dpkg' },
  { program: 'gpg', probe: ['--version'], package: 'gnupg' },
  { program: 'openssl', probe: ['version'], package: 'openssl' },
  { program: 'python3', probe: ['--version'], package: 'python3' },
  { program: 'rpmbuild', probe: ['--version'], package: 'rpm' },
]

/** Tools of a suite that cannot be started. */
export function missingTools(isSystem) {
  const tools = isSystem ? [...CORE, ...SYSTEM] : CORE
  return tools.filter(
    ({ program, probe }) => spawnSync(program, probe, { stdio: 'ignore' }).error !== undefined,
  )
}

if (argv[1] === fileURLToPath(import.meta.url))
  for (const tool of missingTools(true)) console.log(tool.package)
