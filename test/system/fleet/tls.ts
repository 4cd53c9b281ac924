import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

/** An authority of the test's own, and a certificate for a server of this name or address that it has signed. */
export function makeCertificates(
  folder: string,
  name = 'localhost',
): {
  readonly ca: string
  readonly cert: string
  readonly key: string
} {
  const at = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'pipe' })
  }
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...fresh,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  openssl(
    'req',
    '-new',
    ...fresh,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    at('server.key'),
    '-out',
    at('server.csr'),
  )
  writeFileSync(at('ext'), `subjectAltName=${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}\n`)
  openssl(
    ...['x509', '-req', '-in', at('server.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
    ...['-CAcreateserial', '-days', '2', '-extfile', at('ext'), '-out', at('server.pem')],
  )
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') }
}
