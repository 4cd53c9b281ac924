import { type Problem } from '../../spec/diagnostics/index.ts'
import { SLIC_TABLES, type Value } from '../../spec/index.ts'
import { type ObservedQube } from '../observe/index.ts'
import { type Change, isDevice, type Untold } from '../plan/index.ts'
import {
  hasTemplate,
  type Host,
  type HostQube,
  NO_NEEDS,
  type Observation,
  providerOf,
  type Providers,
  type UsbAssignment,
} from '../ports/index.ts'
import { textDiff } from './text-diff.ts'

/**
 * What is read of a host only to explain a plan: nothing is decided by it, and a settled host is asked none of it. Where
 * policy does not allow a kind of question it is asked once, and that it could not be told is told.
 */
export interface Explainer {
  /** Whether anything is read for this at all. */
  readonly asks: boolean
  /** What a template gives a qube for a feature that it does not set itself. */
  inherited(qube: string, feature: string): Promise<string | undefined>
  /** Whether disposables are made from a qube. */
  makesDisposables(observed: ObservedQube): Promise<boolean>
  /** Name of the qube's template. */
  template(qube: string): Promise<string | undefined>
  /** Whether a disposable is kept ready, and not in use. */
  isPreloaded(qube: string): Promise<boolean>
  assignments(qube: string): Promise<readonly UsbAssignment[] | undefined>
  /** What has been read of a qube for the plan itself is not asked again. */
  saw(qube: string, assigned: Observation<readonly UsbAssignment[]>): void
  /** What could not be told, and why. */
  untold(): readonly Untold[]
}

export function explainer(host: Host, asks: boolean): Explainer {
  const seen = new Map<string, readonly UsbAssignment[]>()
  const refused = new Map<string, Problem>()
  /** The first question of each kind: others wait to see whether it is answered. */
  const first = new Map<string, Promise<unknown>>()
  const once = async <T>(what: string, ask: () => Promise<Observation<T>>): Promise<T | undefined> => {
    if (!asks) return undefined
    const before = first.get(what)
    if (before !== undefined) await before
    if (refused.has(what)) return undefined
    const asking = ask()
    if (!first.has(what)) first.set(what, asking)
    const answer = await asking
    if (answer.status === 'unknown') refused.set(what, answer.problem)
    return answer.status === 'present' ? answer.value : undefined
  }
  return {
    asks,
    inherited: (qube, feature) => once('what templates give', () => host.inheritedFeature(qube, feature)),
    async makesDisposables({ facts, peek }) {
      const name = 'template_for_dispvms'
      const isSo = await once('from which qubes disposables are made', async () => {
        const peeked = peek(name)
        if (peeked !== undefined) return peeked
        return (await host.read(facts.qube.name, { ...NO_NEEDS, properties: [name] })).effective(name)
      })
      return isSo === 'True'
    },
    template: (qube) =>
      once('which templates qubes have', async () =>
        (await host.read(qube, { ...NO_NEEDS, properties: ['template'] })).effective('template'),
      ),
    async isPreloaded(qube) {
      const name = 'is_preload'
      const isSo = await once('which disposables are kept ready', async () =>
        (await host.read(qube, { ...NO_NEEDS, properties: [name] })).effective(name),
      )
      return isSo === 'True'
    },
    saw(qube, assigned) {
      if (assigned.status === 'present') seen.set(qube, assigned.value)
    },
    assignments: async (qube) =>
      seen.get(qube) ??
      (await once('which other qubes take a device', async () =>
        (await host.read(qube, { ...NO_NEEDS, usb: true })).usb(),
      )),
    untold: () => [...refused].map(([what, problem]) => ({ what, problem })),
  }
}

export interface Explaining {
  readonly host: Host
  readonly providers: Providers
  readonly explain: Explainer
  /** From which a qube that is not there yet is made, where that is there. */
  readonly madeFrom: string | null
}

/** Changes with what a person wants to know of them and the qube itself does not tell. */
export async function explained(
  changes: readonly Change[],
  observed: ObservedQube,
  context: Explaining,
): Promise<readonly Change[]> {
  const all: Change[] = []
  for (const change of changes) {
    const inherited = await inheritedValue(change, observed.facts.qube, context)
    const diff = change.path === SLIC_TABLES ? await templateDiff(change, observed, context) : []
    const remarks = (await isForOneOnly(change, observed, context)) ? [FOR_THE_TEMPLATE_ALONE] : []
    if (inherited === undefined && diff.length === 0 && remarks.length === 0) {
      all.push(change)
      continue
    }
    all.push({
      ...change,
      remarks: [...change.remarks, ...remarks],
      ...(inherited === undefined ? {} : { inherited }),
      ...(diff.length === 0 ? {} : { diff }),
    })
  }
  return all
}

/** What the template gives for a feature that a change takes over from, or goes back to. */
async function inheritedValue(
  { path, before, after }: Change,
  qube: HostQube,
  { providers, explain, madeFrom }: Explaining,
): Promise<Value | undefined> {
  const behind = providerOf(providers, path).inheritedFeature?.(path)
  if (behind === undefined || !hasTemplate(qube) || (before !== null && after !== null)) return undefined
  // What it goes back to is not seen on the qube, which has a value of its own still.
  const from = !isThere(qube) ? madeFrom : before === null ? qube.name : await explain.template(qube.name)
  const text = typeof from === 'string' ? await explain.inherited(from, behind.name) : undefined
  return text === undefined ? undefined : behind.value(text)
}

async function isForOneOnly(
  { path, after }: Change,
  observed: ObservedQube,
  { explain }: Explaining,
): Promise<boolean> {
  const goesByName = after !== null && (path === SLIC_TABLES || isDevice(path))
  const { qube } = observed.facts
  return goesByName && qube.klass === 'AppVM' && isThere(qube) && explain.makesDisposables(observed)
}

/** One that is still to be created has no UUID. */
const isThere = (qube: HostQube): boolean => qube.uuid !== null

/** Features and tags are copied to a disposable when it is made; files and assignments go by a qube's name. */
const FOR_THE_TEMPLATE_ALONE =
  'counts for this qube, and for none of its disposables: give it to a disposable with a name of its own (qvm-create --class DispVM)'

async function templateDiff(
  { before, after }: Change,
  { facts }: ObservedQube,
  { host }: Explaining,
): Promise<readonly string[]> {
  if (!isEdited(before)) return []
  return diffOfTemplate(host, facts.qube.name, Array.isArray(after) ? (after as readonly string[]) : [])
}

/** A template of ours has five lines: more than these are of no use to a reader. */
const MAX_DIFF = 200

/** What someone has made of a template of ours, against the one for some tables. */
export async function diffOfTemplate(
  host: Host,
  qube: string,
  tables: readonly string[],
): Promise<readonly string[]> {
  const texts = await host.templateTexts(qube, tables)
  if (texts === undefined) return []
  const { path, is, would } = texts
  const to = tables.length === 0 ? '/dev/null' : 'what qstate writes'
  const lines = textDiff({ name: path, text: is }, { name: to, text: would })
  const left = lines.length - MAX_DIFF
  return left > 0 ? [...lines.slice(0, MAX_DIFF), `(and ${left} more lines)`] : lines
}

/** Stands in the place of tables where someone has edited the template since. */
export const isEdited = (value: Value | null): boolean =>
  Array.isArray(value) && String(value[0]).startsWith('edited:')
