import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readBytes } from '../../../documents/read/index.ts'
import {
  EDITED,
  foreign,
  MAX_TEXT,
  missingTable,
  OUTDATED,
  PARENTS,
  readTemplate,
  renderTemplate,
  sha256,
  type SlicStore,
  type Template,
  templateName,
  unavailableTable,
  unusableTable,
} from '../../../providers/index.ts'
import { type Observation } from '../../../reconciler/index.ts'
import { problem, type Problem, QstateError } from '../../../spec/diagnostics/index.ts'
import { QUBE_NAME } from '../../../spec/index.ts'
import { concatenate, tableProblem } from './acpi.ts'

const OWN_TEMPLATES = 'etc/qubes/templates'
const TEMPLATE_FOLDERS = [OWN_TEMPLATES, 'usr/share/qubes/templates']
const HOST_TABLES = '/sys/firmware/acpi/tables'
const OWN_TABLES = '/var/lib/qstate/acpi'

/**
 * SLIC in dom0: files below `root`, which is `/` but for a simulator. The libvirt template of a qube is written whole
 * and renamed into place; one that someone else wrote is never touched.
 *
 * `tables` gives the bytes of a table from the spec by its SHA-256.
 */
export function slicFiles(root: string, tables: (sha256: string) => Buffer | undefined): SlicStore {
  const at = (path: string): string => join(root, path)
  const templatePath = (qube: string): string => at(join(OWN_TEMPLATES, templateName(qube)))
  const tablePath = (qube: string): string => join(OWN_TABLES, `${qube}.bin`)

  async function read(qube: string): Promise<Observation<readonly string[]>> {
    const text = readIfThere(templatePath(qube))
    // A table without its template is what a crash between the two leaves.
    if (text === undefined) {
      return (await isThere(at(tablePath(qube))))
        ? { status: 'present', value: [`${OUTDATED}table`] }
        : { status: 'absent' }
    }
    const reading = readTemplate(text.toString('utf8'))
    switch (reading.kind) {
      case 'foreign':
        return foreign(templatePath(qube))
      case 'edited':
        return { status: 'present', value: [`${EDITED}${reading.digest}`] }
      case 'ours':
        return { status: 'present', value: (await outdated(reading.template)) ?? reading.template.tables }
    }
  }

  /** Ours, but a file behind it is gone or changed, or there is another template to extend by now. */
  async function outdated(template: Template): Promise<readonly string[] | undefined> {
    if (template.parent !== (await parent())) return [`${OUTDATED}parent`]
    if (template.fileDigest === null) {
      const why = problemOf('host:SLIC')?.code
      return why === 'missing-table' || why === 'unusable-table' ? [`${OUTDATED}table`] : undefined
    }
    const bytes = readIfThere(at(template.file))
    return bytes !== undefined && sha256(bytes) === template.fileDigest ? undefined : [`${OUTDATED}table`]
  }

  async function parent(): Promise<string> {
    for (const name of PARENTS) {
      for (const folder of TEMPLATE_FOLDERS) if (await isThere(at(join(folder, name)))) return name
    }
    return 'libvirt/xen.xml'
  }

  function tableBytes(table: string): Buffer {
    const [source = '', name = ''] = table.split(':')
    if (source === 'file') {
      const bytes = tables(name)
      if (bytes === undefined) throw new QstateError(unavailableTable(table))
      return sound(table, bytes)
    }
    const bytes = readIfThere(at(join(HOST_TABLES, name)))
    if (bytes === undefined) throw new QstateError(missingTable(name))
    return sound(table, bytes, name === 'SLIC' ? 'SLIC' : 'MSDM')
  }

  /** Why a table cannot be given to a qube. */
  function problemOf(table: string): Problem | undefined {
    if (table.startsWith('file:') && tables(table.slice(5)) === undefined) return undefined
    try {
      tableBytes(table)
      return undefined
    } catch (error) {
      if (error instanceof QstateError) return error.problem
      throw error
    }
  }

  /** The template for some tables, and the file behind it, where the host's own table will not do. */
  async function prepare(
    qube: string,
    wanted: readonly string[],
  ): Promise<{ readonly template: Template; readonly copy: Buffer | null }> {
    const bytes = wanted.map(tableBytes)
    const direct = wanted.length === 1 && wanted[0] === 'host:SLIC'
    const whole = concatenate(bytes)
    const template = {
      tables: wanted,
      file: direct ? `${HOST_TABLES}/SLIC` : tablePath(qube),
      fileDigest: direct ? null : sha256(whole),
      parent: await parent(),
    }
    return { template, copy: direct ? null : whole }
  }

  return {
    read,
    listingCosts: false,
    async list() {
      const folder = at(join(OWN_TEMPLATES, dirname(templateName('x'))))
      const names = await readdir(folder).catch(() => [])
      const qubes = names.filter((name) => name.endsWith('.xml')).map((name) => name.slice(0, -'.xml'.length))
      return qubes.flatMap((qube) => {
        if (!QUBE_NAME.test(qube)) return []
        const path = templatePath(qube)
        return isForeign(path) ? [] : [{ qube, path }]
      })
    },
    async texts(qube, wanted) {
      const path = templatePath(qube)
      const text = readIfThere(path)
      if (text === undefined || readTemplate(text.toString('utf8')).kind !== 'edited') return undefined
      const would = wanted.length === 0 ? '' : renderTemplate((await prepare(qube, wanted)).template)
      return { path, is: text.toString('utf8', 0, MAX_TEXT), would }
    },
    problem: (table) => Promise.resolve(problemOf(table)),
    async set(qube, wanted) {
      if ((await read(qube)).status === 'unknown')
        throw foreignTemplate(templatePath(qube), 'move it away first')
      const { template, copy } = await prepare(qube, wanted)
      if (copy !== null) await writeWhole(at(template.file), copy, 0o600, 0o700)
      await writeWhole(templatePath(qube), Buffer.from(renderTemplate(template)), 0o644, 0o755)
      if (copy === null) await removeFile(at(tablePath(qube)))
    },
    async remove(qube) {
      if ((await read(qube)).status === 'unknown')
        throw foreignTemplate(templatePath(qube), 'remove it by hand')
      await removeFile(templatePath(qube))
      await removeFile(at(tablePath(qube)))
    },
  }
}

const foreignTemplate = (path: string, hint: string): QstateError =>
  new QstateError(problem('foreign-template', `${path} was written by someone else`, hint))

function sound(table: string, bytes: Buffer, kind?: 'SLIC' | 'MSDM'): Buffer {
  const why = tableProblem(bytes, kind)
  if (why !== undefined) throw new QstateError(unusableTable(table, why))
  return bytes
}

/** What cannot be read, or is no file, is none of ours. */
function isForeign(path: string): boolean {
  try {
    return readTemplate(readIfThere(path)?.toString('utf8') ?? '').kind === 'foreign'
  } catch {
    return true
  }
}

/** Of a template or a table, which have a few thousand. */
const MAX_BYTES = 16 * 1024 * 1024

function readIfThere(path: string): Buffer | undefined {
  try {
    const found = readBytes(path, MAX_BYTES)
    if (found !== undefined && 'fault' in found) throw new Error(found.fault)
    return found?.bytes
  } catch (error) {
    if (isCode(error, 'ENOTDIR')) return undefined
    throw fileError(path, error)
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Written beside its place, flushed, then renamed: qubesd sees the old file or the new one. */
async function writeWhole(path: string, bytes: Buffer, mode: number, folderMode: number): Promise<void> {
  const beside = `${path}.qstate-new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: folderMode })
    const file = await open(beside, 'w', mode)
    try {
      await file.writeFile(bytes)
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    throw fileError(path, error)
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (error) {
    throw fileError(path, error)
  }
}

function fileError(path: string, error: unknown): QstateError {
  const why = error instanceof Error ? error.message : String(error)
  const hint = isCode(error, 'EACCES')
    ? 'run this as root: the host tables and the templates are root’s'
    : 'see to the file system of dom0'
  return new QstateError(problem('file', `${path}: ${why}`, hint), { cause: error })
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
