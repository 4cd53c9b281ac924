import { type Io } from '../../cli/io.ts'
import { type Host, type HostQube, mapLimited, NO_NEEDS, selectsAll } from '../../reconciler/index.ts'
import { nearest, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { TAG_NAME, type Untold } from '../../spec/index.ts'

/** The host whose qubes are meant. */
interface Asked {
  readonly host: Host
  readonly qubes: readonly HostQube[]
}

const AREA_WORDS: ReadonlySet<string> = new Set(['slic', 'audio', 'stubdom', 'usb', 'qube', 'tags'])

/** `--target win10`, `--target tag:windows`, `--target area:usb`, `--target win10/audio`: any of the qubes, any of the areas. */
export async function targetFilter(
  targets: readonly string[],
  named: Iterable<string>,
  session: Asked,
  io: Io,
): Promise<(qube: string, path: string) => boolean> {
  const known = new Set([...named, ...session.qubes.map((qube) => qube.name)])
  const rules = await Promise.all(targets.map((target) => targetRule(target, known, session, io)))
  if (rules.length === 0) return selectsAll
  return (qube, path) => rules.some((rule) => rule(qube, path))
}

async function targetRule(
  target: string,
  known: ReadonlySet<string>,
  session: Asked,
  io: Io,
): Promise<(qube: string, path: string) => boolean> {
  const inArea = (path: string, area: string): boolean => path === '' || path.startsWith(`${area}/`)
  if (target.startsWith('tag:')) {
    const tag = target.slice(4)
    if (!TAG_NAME.test(tag)) throw badTarget(target)
    const qubes = session.qubes.filter((qube) => qube.klass !== 'AdminVM')
    const tagged = await mapLimited(
      qubes,
      8,
      async (q) => [q.name, (await tagsOf(q.name, [tag], session, io)).tags] as const,
    )
    const names = new Set(tagged.filter(([, tags]) => tags.has(tag)).map(([name]) => name))
    if (names.size === 0) {
      throw new QstateError(
        problem('no-such-target', `no qube here has the tag “${tag}”`, 'qvm-tags tells the tags of a qube'),
      )
    }
    return (qube) => names.has(qube)
  }
  const area = target.startsWith('area:') ? target.slice(5) : undefined
  if (area !== undefined) {
    if (!AREA_WORDS.has(area)) throw badTarget(target)
    return (_, path) => inArea(path, area)
  }
  const [name = '', part, ...more] = target.split('/')
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name) || more.length > 0) throw badTarget(target)
  if (!known.has(name)) {
    const near = nearest(name, [...known])
    const hint =
      near === undefined
        ? 'a target is a qube of this host, or of the spec, by its whole name'
        : `did you mean ${near}?`
    throw new QstateError(problem('no-such-target', `there is no qube “${name}”`, hint))
  }
  if (part === undefined) return (qube) => qube === name
  if (!AREA_WORDS.has(part)) throw badTarget(target)
  return (qube, path) => qube === name && inArea(path, part)
}

function badTarget(target: string): QstateError {
  const hint =
    'a target is QUBE, QUBE/AREA, tag:TAG or area:AREA; areas are slic, audio, stubdom, usb, qube, tags; a tag has letters, digits, _ and -'
  return new QstateError(problem('invalid-target', `“${target}” is no target`, hint))
}

/** Those of the tags that a qube has. One that does not tell is passed over, and that is said. */
export async function tagsOf(
  qube: string,
  wanted: readonly string[],
  { host }: Asked,
  io: Io,
): Promise<{ readonly tags: ReadonlySet<string>; readonly untold?: Untold }> {
  if (wanted.length === 0) return { tags: new Set() }
  const reading = await host.read(qube, { ...NO_NEEDS, tags: wanted })
  const seen = wanted.map((name) => ({ name, tag: reading.tag(name) }))
  const tags = new Set(seen.filter(({ tag }) => tag.status === 'present').map(({ name }) => name))
  const untold = seen.map(({ tag }) => tag).find((tag) => tag.status === 'unknown')
  if (untold === undefined) return { tags }
  const { why, hint } = untold
  io.err(`warning: ${qube} is passed over where tags are asked for: ${why}\n  ${hint}\n`)
  return { tags, untold: { why, hint } }
}
