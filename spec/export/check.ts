import { loadManifest, resolve } from '../compose/index.ts'
import { type Diagnostic, problem, type Problem, QstateError } from '../diagnostics/index.ts'
import { overlap, parseUsbKey, type UsbDevice, type Value } from '../vocabulary/index.ts'
import { placeOf } from './body.ts'
import { onOneLine } from './lines.ts'
import { quoted, scalar, writeValue } from './value.ts'

export type QubeSettings = ReadonlyMap<string, ReadonlyMap<string, Value>>

/** Something that no manifest can say, and the reason. `path` null: the whole qube. */
export interface Refused {
  readonly qube: string
  readonly path: string | null
  readonly value: Value | null
  readonly problem: Problem
}

/**
 * Leaves out what a manifest with these settings would be refused for. The judge is the loader itself, over a text with
 * one setting a line: whatever rules there are or will be, what is left is valid, and means what was given.
 *
 * Of rivals for a device, those in `kept` stay.
 */
export function refuse(
  all: QubeSettings,
  kept: (qube: string, path: string) => boolean,
): { readonly sound: QubeSettings; readonly refused: readonly Refused[] } {
  const sound = new Map([...all].map(([qube, settings]) => [qube, new Map(settings)]))
  const refused: Refused[] = []
  const drop = ({ qube, path }: Owner, problem: Problem): void => {
    if (!isThere(sound, { qube, path })) return
    const value = path === null ? null : (sound.get(qube)?.get(path) ?? null)
    refused.push({ qube, path, value, problem })
    if (path === null) sound.delete(qube)
    else sound.get(qube)?.delete(path)
  }
  for (;;) {
    const { text, owners } = oneALine(sound)
    const { manifest, diagnostics } = loadManifest([{ path: '', text }])
    requireReadable(diagnostics)
    if (manifest === null) {
      for (const { code, at, message, hint } of culprits(diagnostics)) {
        const owner = owners[at.line - 1]
        if (owner === undefined) throw new Error(`nobody wrote line ${at.line}: ${message}`)
        const losers = code === 'contested-device' ? rivalsOfKept(owner, sound, kept) : []
        const rival = `${owner.qube} takes the device by itself, and qstate owns that`
        for (const loser of losers) drop(loser, problem(code, rival, ''))
        if (losers.length === 0) drop(owner, problem(code, message, withoutPlaces(hint)))
      }
      continue
    }
    const wrong = [...misread(sound, resolve(manifest, { qubes: [] }).desired.qubes)]
    if (wrong.length === 0) return { sound, refused }
    for (const owner of wrong) drop(owner, INEXPRESSIBLE)
  }
}

const INEXPRESSIBLE = problem('inexpressible', 'a spec has no way to write this value', '')
/** What is written is for qstate to read. */
export function requireReadable(diagnostics: readonly Diagnostic[]): void {
  if (!diagnostics.some(({ code }) => code === 'too-large')) return
  const hint = 'name some of the qubes, and import the others into other files'
  throw new QstateError(
    problem('too-large', 'these qubes take a file of over 1 MiB, which is not read', hint),
  )
}

/** The loader blames whoever comes last; a claim that is to stay sends its rivals away instead. */
function rivalsOfKept(
  owner: Owner,
  sound: QubeSettings,
  kept: (qube: string, path: string) => boolean,
): readonly Owner[] {
  const claim = claimOf(owner.path)
  if (owner.path === null || claim === undefined || !kept(owner.qube, owner.path)) return []
  return [...sound].flatMap(([qube, settings]) =>
    [...settings].flatMap(([path, value]) => {
      const other = claimOf(path)
      if (other === undefined || qube === owner.qube || kept(qube, path)) return []
      const asks = typeof value === 'object' && 'mode' in value && value.mode === 'ask-to-attach'
      return asks || !overlap(claim, other) ? [] : [{ qube, path }]
    }),
  )
}

function claimOf(path: string | null): UsbDevice | undefined {
  if (path?.startsWith('usb/') !== true || path.startsWith('usb/denied/')) return undefined
  const device = parseUsbKey(path.slice('usb/'.length))
  return 'problem' in device ? undefined : device
}

/**
 * Errors of one round. With rivals for a device one goes at a time: a rival of something that has gone is none any
 * more.
 */
function culprits(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const rivals = errors.filter(({ code }) => code === 'contested-device')
  return errors.length > rivals.length
    ? errors.filter((error) => !rivals.includes(error))
    : rivals.slice(0, 1)
}

/** Lines of a text that nobody sees. */
const withoutPlaces = (hint: string): string => hint.replace(/ at :\d+:\d+/g, '')

interface Owner {
  readonly qube: string
  readonly path: string | null
}

const isThere = (sound: QubeSettings, { qube, path }: Owner): boolean =>
  path === null ? sound.has(qube) : sound.get(qube)?.has(path) === true

function oneALine(all: QubeSettings): {
  readonly text: string
  readonly owners: readonly (Owner | undefined)[]
} {
  const lines: string[] = ['apiVersion: qstate/v1', all.size === 0 ? 'qubes: {}' : 'qubes:']
  const owners: (Owner | undefined)[] = [undefined, undefined]
  const put = (line: string, owner: Owner): void => {
    lines.push(line)
    owners.push(owner)
  }
  for (const [qube, settings] of all) {
    put(`  ${scalar(qube)}:${settings.size === 0 ? ' {}' : ''}`, { qube, path: null })
    let open: readonly string[] = []
    for (const [path, value] of [...settings].sort(([a], [b]) => comparePlaces(placeOf(a), placeOf(b)))) {
      const place = placeOf(path)
      const parents = place.slice(0, -1)
      const isSlic = place[0] === 'slic'
      for (const [depth, parent] of (isSlic ? [] : parents).entries()) {
        if (open.slice(0, depth + 1).join('/') !== parents.slice(0, depth + 1).join('/'))
          put(`${'  '.repeat(depth + 2)}${parent}:`, { qube, path })
      }
      open = isSlic ? [] : parents
      const key = isSlic ? 'slic' : quoted(place.at(-1) ?? '')
      const depth = isSlic ? 0 : parents.length
      put(`${'  '.repeat(depth + 2)}${key}: ${onOneLine(writeValue(path, value))}`, { qube, path })
    }
  }
  return { text: `${lines.join('\n')}\n`, owners }
}

/** Scalars of an area come before its maps, and what belongs together stands together. */
function comparePlaces(a: readonly string[], b: readonly string[]): number {
  const key = (place: readonly string[]): string =>
    [place[0], ...(place.length > 2 ? ['~', ...place.slice(1)] : [' ', ...place.slice(1)])].join('\0')
  const [x, y] = [key(a), key(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

function* misread(
  wanted: QubeSettings,
  read: ReadonlyMap<string, { readonly settings: ReadonlyMap<string, { readonly value: Value | null }> }>,
): Generator<{ qube: string; path: string }> {
  for (const [qube, settings] of wanted) {
    for (const [path, value] of settings) {
      const found = read.get(qube)?.settings.get(path)?.value
      if (JSON.stringify(found) !== JSON.stringify(value)) yield { qube, path }
    }
  }
}
