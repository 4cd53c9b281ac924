import { formatRange, problem, quote } from '../diagnostics/index.ts'
import {
  DRIFT_DEFAULT,
  DRIFT_WORDS,
  driftKeyProblem,
  type DriftPolicies,
  type DriftPolicy,
} from '../vocabulary/index.ts'
import { partOf, type Written, type WrittenText } from '../yaml/index.ts'
import { complain } from './context.ts'
import { type DriftStatement, type DriftStatements } from './manifest.ts'
import { textOf } from './nodes.ts'
import { deviceKey, type DeviceReader } from './usb.ts'

export const NO_DRIFT: DriftStatements = new Map()

/** `drift`: one word for all settings, or a map of settings and areas. A device may go by its declared name. */
export function readDrift(written: Written | undefined, reader: DeviceReader): DriftStatements {
  const all = wordOf(written)
  if (written !== undefined && all !== undefined)
    return new Map([[DRIFT_DEFAULT, { policy: all, position: written.position }]])
  if (written?.kind !== 'map') return NO_DRIFT
  const statements = new Map<string, DriftStatement>()
  for (const { key, value } of written.entries.values()) {
    const path = pathOf(key, reader)
    const policy = wordOf(value)
    // What is wrong with it has been said.
    if (policy === undefined || path === undefined) continue
    const { position } = key
    const first = statements.get(path)
    if (first === undefined) statements.set(path, { policy, position })
    else complain(reader, position, saidTwice(key.value, first))
  }
  return statements
}

function pathOf(key: WrittenText, reader: DeviceReader): string | undefined {
  if (key.value.startsWith(USB) && !key.value.startsWith(`${USB}denied/`)) {
    const name = key.value.slice(USB.length)
    const device = deviceKey({ ...key, value: name, position: partOf(key, USB.length, name.length) }, reader)
    return device === undefined ? undefined : USB + device
  }
  const wrong = driftKeyProblem(key.value)
  if (wrong !== undefined) complain(reader, key.position, wrong)
  return wrong === undefined ? key.value : undefined
}

const USB = 'usb/'

/** Policies without their lines. */
export const driftPolicies = (statements: DriftStatements): DriftPolicies =>
  new Map([...statements].map(([key, { policy }]) => [key, policy]))

const wordOf = (written: Written | undefined): DriftPolicy | undefined =>
  DRIFT_WORDS.find((word) => word === textOf(written))

const saidTwice = (key: string, { position }: DriftStatement): ReturnType<typeof problem> =>
  problem(
    'said-twice',
    `${quote(key)} has a drift policy here already`,
    `first at ${formatRange(position)}; keep one of them`,
  )
