import { loadManifest, resolve } from '../compose/index.ts'
import { type Problem, problem, QstateError } from '../diagnostics/index.ts'
import { parseUsbKey, SLIC_TABLES, type Value } from '../vocabulary/index.ts'
import { type DeviceNames, placeOf, writeSections } from './body.ts'
import { type QubeSettings, refuse, requireReadable } from './check.ts'
import { type Choice, chooseProfile } from './choose-profiles.ts'
import { factor } from './extract-profiles.ts'
import { type KeptParts, NOTHING_KEPT } from './kept.ts'
import { inReadingOrder, onOneLine, WIDTH, writeComment, writeEntry } from './lines.ts'
import { quoted, scalar, writeValue } from './value.ts'

/** Something of a qube that is not in the manifest, and why. `path` null: the qube as a whole. */
export interface LeftOut {
  readonly path: string | null
  /** What was there, where that is known. */
  readonly value: Value | null
  readonly problem: Problem
}

interface QubeToWrite {
  readonly name: string
  readonly settings: ReadonlyMap<string, Value>
  readonly leftOut: readonly LeftOut[]
  readonly isWindows: boolean
  /** Paths that give way to no other qube. */
  readonly owned: ReadonlySet<string>
}

export interface NamedDevice {
  readonly name: string
  /** What is plugged in now, in its own words. Untrusted. */
  readonly description: string | null
}

export interface ManifestToWrite {
  /** Comments at the top, one paragraph each. */
  readonly header: readonly string[]
  readonly name: string | null
  /** Parts of the manifest that this takes the place of. Its name stands above `name`. */
  readonly kept?: KeptParts
  readonly qubes: readonly QubeToWrite[]
  /** By key. Only those that a qube has in the end are declared. */
  readonly devices: ReadonlyMap<string, NamedDevice>
}

export interface WrittenManifest {
  readonly yaml: string
  readonly leftOut: readonly (LeftOut & { readonly qube: string })[]
}

/**
 * A manifest that says the given settings and nothing else, as a person would write it. It always validates: what no
 * manifest can say stands in it as a comment, with the reason. Equal input gives equal bytes, in whatever order.
 */
export function writeManifest({ kept = NOTHING_KEPT, ...input }: ManifestToWrite): WrittenManifest {
  const qubes = [...input.qubes].sort((a, b) => inReadingOrder(a.name, b.name))
  const owned = new Map(qubes.map((qube) => [qube.name, qube.owned]))
  const { sound, refused } = refuse(
    new Map(qubes.map(({ name, settings }) => [name, settings])),
    (qube, path) => owned.get(qube)?.has(path) === true,
  )
  const leftOut = qubes.flatMap(({ name: qube, leftOut: before }) => [
    ...before.map((left) => ({ qube, ...left })),
    ...refused.filter((left) => left.qube === qube),
  ])
  const choices = new Map(
    qubes.flatMap(({ name, isWindows }): [string, Choice][] => {
      const settings = sound.get(name)
      return settings === undefined ? [] : [[name, chooseProfile(settings, { name, isWindows })]]
    }),
  )
  const used = new Set([...sound.values()].flatMap((settings) => [...settings.keys()]))
  const declared = [...input.devices].filter(([key]) => used.has(`usb/${key}`))
  const devices: DeviceNames = new Map(declared.map(([key, { name }]) => [key, name]))
  const factored = factor(choices)
  const everywhere = leftEverywhere(leftOut, qubes)
  const lines = [
    ...input.header.flatMap((paragraph) => writeComment(paragraph, 0)),
    ...everywhere.flatMap((left) => leftComment(left, devices, 'all qubes', 0)),
    'apiVersion: qstate/v1',
    ...(kept.lines.get('name') ?? (input.name === null ? [] : writeEntry('name', scalar(input.name), 0))),
    ...deviceLines(declared),
    ...profileLines(factored.profiles),
    '',
    ...qubeLines(
      qubes,
      factored.qubes,
      devices,
      leftOut.filter((left) => !isIn(everywhere, left)),
    ),
    ...[...kept.lines].flatMap(([key, part]) => (key === 'name' ? [] : ['', ...part])),
  ]
  const yaml = `${lines.join('\n')}\n`
  prove(yaml, sound, kept)
  return { yaml, leftOut }
}

function deviceLines(declared: readonly (readonly [string, NamedDevice])[]): readonly string[] {
  if (declared.length === 0) return []
  const sorted = [...declared].sort(([, a], [, b]) => inReadingOrder(a.name, b.name))
  return ['', 'devices:', ...sorted.flatMap(([key, device]) => deviceEntry(key, device))]
}

function deviceEntry(key: string, { name, description }: NamedDevice): readonly string[] {
  const device = parseUsbKey(key)
  if ('problem' in device) throw new Error(`${key} is no device`)
  const { backend, port, identity } = device
  const plugged = description === null ? undefined : description.slice(0, 100)
  const anyHere = identity === '*' ? 'whatever is on this port' : undefined
  const comment =
    anyHere === undefined ? plugged : plugged === undefined ? anyHere : `${anyHere}; now ${plugged}`
  const map = [
    ['backend', scalar(backend)] as const,
    ...(port === '*' ? [] : [['port', quoted(port)] as const]),
    ...(identity === '*' ? [] : [['identity', quoted(identity)] as const]),
  ]
  const said = comment === undefined ? [] : writeComment(comment, 2)
  return [...said, ...writeEntry(scalar(name), { map }, 2)]
}

function profileLines(profiles: ReadonlyMap<string, Choice>): readonly string[] {
  if (profiles.size === 0) return []
  return ['', 'profiles:', ...[...profiles].flatMap(([name, choice]) => body(name, choice, new Map(), []))]
}

function qubeLines(
  qubes: readonly QubeToWrite[],
  choices: ReadonlyMap<string, Choice>,
  devices: DeviceNames,
  leftOut: WrittenManifest['leftOut'],
): readonly string[] {
  if (choices.size === 0) return ['qubes: {}', ...qubes.flatMap(({ name }) => without(name))]
  const blocks = qubes.map(({ name }) => {
    const choice = choices.get(name)
    const own = leftOut.filter(({ qube }) => qube === name)
    return choice === undefined ? without(name) : body(name, choice, devices, own)
  })
  return ['qubes:', ...blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]))]

  function without(name: string): readonly string[] {
    return leftOut.filter(({ qube }) => qube === name).flatMap((left) => leftComment(left, devices, name, 2))
  }
}

/** A qube or a profile. What was left out stands as a comment where it would have been. */
function body(
  name: string,
  { profile, own }: Choice,
  devices: DeviceNames,
  leftOut: readonly LeftOut[],
): readonly string[] {
  const sections = new Map(writeSections(own, devices))
  const isEmpty = profile === null && sections.size === 0
  const comments = (area: string | null, indent: number): readonly string[] =>
    leftOut
      .filter(({ path }) => (path === null ? null : (path.split('/')[0] ?? '')) === area)
      .flatMap((left) => leftComment(left, devices, name, indent))
  const areas = [null, 'slic', 'audio', 'stubdom', 'usb', 'qube', 'tags'] as const
  // An empty map ends on its line: what belongs to it stands before it.
  if (isEmpty) return [...areas.flatMap((area) => comments(area, 2)), `  ${scalar(name)}: {}`]
  return [
    `  ${scalar(name)}:`,
    ...(profile === null ? [] : [`    extends: ${scalar(profile)}`]),
    ...areas.flatMap((area) => {
      const node = area === null ? undefined : sections.get(area)
      return [...comments(area, 4), ...(area === null || node === undefined ? [] : writeEntry(area, node, 4))]
    }),
  ]
}

function leftComment(
  left: LeftOut,
  devices: DeviceNames,
  subject: string,
  indent: number,
): readonly string[] {
  const { path, value, problem } = left
  const reason = `left out: ${reasonOf(problem).slice(0, 500)}`
  if (path === null) return writeComment(`${subject} ${reason}`, indent)
  if (value === null) return writeComment(`${dotted(path)} of ${subject} ${reason}`, indent)
  return [...writeComment(oneSetting(path, value, devices), indent), ...writeComment(`  ${reason}`, indent)]
}

/** As it could be written, were it not for the reason. */
function oneSetting(path: string, value: Value, devices: DeviceNames): string {
  const [[area, node] = ['', '']] = writeSections(new Map([[path, value]]), devices)
  const text = `${area}: ${onOneLine(node)}`
  if (text.length <= WIDTH) return text
  const place = dotted(path)
  return `${place}: ${onOneLine(writeValue(path, value)).slice(0, WIDTH - place.length)} ...`
}

const dotted = (path: string): string =>
  path === SLIC_TABLES
    ? 'slic'
    : placeOf(path)
        .filter((part) => part !== '')
        .join('.')

/** What is missing everywhere for one reason is said once. */
function leftEverywhere(
  leftOut: WrittenManifest['leftOut'],
  qubes: readonly QubeToWrite[],
): readonly LeftOut[] {
  if (qubes.length < 2) return []
  const first = leftOut.filter(
    ({ qube, path, value }) => qube === qubes[0]?.name && path !== null && value === null,
  )
  return first.filter((left) =>
    qubes.every(({ name }) => leftOut.some((other) => other.qube === name && isIn([left], other))),
  )
}

/** In one line, with what to do in brackets. */
export const reasonOf = ({ message, hint }: Problem): string =>
  hint === '' ? message : `${message} (${hint})`

const isIn = (some: readonly LeftOut[], { path, problem }: LeftOut): boolean =>
  some.some((left) => left.path === path && reasonOf(left.problem) === reasonOf(problem) && path !== null)

const notKept = (keys: readonly string[], why: string): Problem =>
  problem(
    'cannot-keep',
    `${keys.join(' and ')} of the file cannot be kept beside what is written: ${why}`,
    'move that to a file of its own, with what it needs, or name another file; nothing was written',
  )

/** The text is read back: it says what was asked for, or it is not given out. */
function prove(yaml: string, sound: QubeSettings, kept: KeptParts): void {
  const { manifest, diagnostics } = loadManifest([{ path: 'written.yaml', text: yaml }])
  requireReadable(diagnostics)
  const error = diagnostics.find(({ severity }) => severity === 'error')
  if (kept.lines.size > 0 && error !== undefined)
    throw new QstateError(notKept([...kept.lines.keys()], error.message))
  const desired = manifest === null ? null : resolve(manifest, { qubes: [] }).desired
  const canonical = (settings: Iterable<readonly [string, Value | null]>): string =>
    JSON.stringify([...settings].sort(([a], [b]) => (a < b ? -1 : 1)))
  for (const [qube, settings] of sound) {
    const read = desired?.qubes.get(qube)?.settings ?? new Map<string, { value: Value | null }>()
    const said = [...read].map(([path, { value }]) => [path, value] as const)
    if (desired !== null && canonical(said) === canonical(settings)) continue
    const first = diagnostics.find(({ severity }) => severity === 'error')
    throw new Error(
      `what was written for ${qube} does not say what it should: ${first?.message ?? 'another value'}`,
    )
  }
}
