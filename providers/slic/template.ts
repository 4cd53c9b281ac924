import { createHash } from 'node:crypto'
import { QUBE_NAME, TABLE } from '../../spec/index.ts'

/**
 * The libvirt template of one qube that adds ACPI tables. It extends the next template in qubesd's own order and prints
 * what that has, so that it survives updates. Nothing but checked names goes into it: no text becomes XML or Jinja2.
 */
export interface Template {
  readonly tables: readonly string[]
  /** File that libvirt hands to Xen, as a path in dom0. */
  readonly file: string
  /** SHA-256 of that file where qstate made it; null for the host's own table. */
  readonly fileDigest: string | null
  /** Template to extend, `libvirt/xen.xml`. */
  readonly parent: string
}

export type TemplateReading =
  | { readonly kind: 'ours'; readonly template: Template }
  /** Ours once, and changed since. */
  | { readonly kind: 'edited'; readonly digest: string }
  | { readonly kind: 'foreign' }

export const PARENTS: readonly string[] = ['libvirt/xen-user.xml', 'libvirt/xen-dist.xml', 'libvirt/xen.xml']

const MARK = '{# Managed by qstate: it writes this file anew when it differs from the spec. '
const HEADER =
  /^\{# Managed by qstate: [^#]*tables=([A-Za-z0-9:,]+) file=([A-Za-z0-9/._-]+) sha256=([0-9a-f]{64}|-) parent=([a-z/.-]+) #\}/

export function renderTemplate(template: Template): string {
  const { tables, file, fileDigest, parent } = template
  if (
    !tables.every((table) => TABLE.test(table)) ||
    !/^\/[A-Za-z0-9/._-]+$/.test(file) ||
    !PARENTS.includes(parent)
  ) {
    throw new Error('a template is built from checked values only')
  }
  const header = `${MARK}tables=${tables.join(',')} file=${file} sha256=${fileDigest ?? '-'} parent=${parent} #}`
  // On one line: what stands before `extends`, be it a newline, is printed into the XML.
  return [
    `${header}{% extends '${parent}' %}`,
    '{% block os %}',
    '{{ super() }}',
    `            <acpi><table type='slic'>${file}</table></acpi>`,
    '{% endblock %}',
    '',
  ].join('\n')
}

export function readTemplate(text: string): TemplateReading {
  const edited = (): TemplateReading => ({ kind: 'edited', digest: sha256(Buffer.from(text)).slice(0, 12) })
  const match = HEADER.exec(text)
  if (match === null) return text.startsWith('{# Managed by qstate') ? edited() : { kind: 'foreign' }
  const [, tables = '', file = '', digest = '', parent = ''] = match
  const template = { tables: tables.split(','), file, fileDigest: digest === '-' ? null : digest, parent }
  try {
    return renderTemplate(template) === text ? { kind: 'ours', template } : edited()
  } catch {
    return edited()
  }
}

/** Name of the template below a folder of templates. */
export function templateName(qube: string): string {
  if (!QUBE_NAME.test(qube)) throw new Error('a template is named after a checked qube name')
  return `libvirt/xen/by-name/${qube}.xml`
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
