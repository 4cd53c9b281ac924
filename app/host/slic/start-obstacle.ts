import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readBytes } from '../../../documents/read/index.ts'
import { MAX_TEXT, templateName } from '../../../providers/index.ts'
import { type Observation } from '../../../reconciler/index.ts'
import { problem, type Problem } from '../../../spec/diagnostics/index.ts'

/** Where qubesd looks for templates, the first first. */
const FOLDERS = ['etc/qubes/templates', 'usr/share/qubes/templates']

/** What the libvirt template of a qube, of any author, makes of its next start: qubesd renders it then, and Xen reads the file that it names. */
export function startObstacle(root: string | null, qube: string): Observation<Problem> {
  if (root === null) return FROM_AFAR
  const path = FOLDERS.map((folder) => join(folder, templateName(qube))).find((one) =>
    existsSync(join(root, one)),
  )
  if (path === undefined) return { status: 'absent' }
  const read = readBytes(join(root, path), MAX_TEXT)
  if (read === undefined) return { status: 'absent' }
  if ('fault' in read)
    return { status: 'unknown', problem: problem('file', `/${path} cannot be read`, 'run this as root') }
  const text = read.bytes.toString('utf8').replace(/\{#.*?#\}|<!--.*?-->/gs, '')
  if (/\{%[-+]?\s*super\s*\(/.test(text))
    return present(
      problem(
        'template-syntax',
        `/${path} says {% super() %}, which Jinja2 does not know`,
        'write {{ super() }} there',
      ),
    )
  const table = /<table\s+type=['"]slic['"]\s*>\s*([^<{]*?)\s*<\/table>/.exec(text)?.[1]
  if (table === undefined || existsSync(join(root, table))) return { status: 'absent' }
  const hint = `put the file back, or take the table out of the template; \`slic: off\` removes one that qstate wrote`
  return present(problem('missing-table', `/${path} names the table ${table}, which does not exist`, hint))
}

const present = (value: Problem): Observation<Problem> => ({ status: 'present', value })

const FROM_AFAR: Observation<Problem> = {
  status: 'unknown',
  problem: problem(
    'file',
    'whether its libvirt template keeps it from starting cannot be seen from here',
    'run `qstate doctor` in dom0',
  ),
}
