import { problem, type Problem, quote } from '../diagnostics/index.ts'
import { qubeProblem } from './names.ts'

/**
 * What is wrong with a text as the value of a property that no setting stands for: qubesd parses these when they are set, and
 * refuses what does not fit. A text that it would keep in another spelling is wrong, too: it would be written at every apply.
 */
export function propertyTextProblem(name: string, text: string): Problem | undefined {
  return Object.hasOwn(RULES, name) ? RULES[name]?.(text) : undefined
}

type Rule = (text: string) => Problem | undefined

const unless =
  (accepts: RegExp, what: Problem): Rule =>
  (text) =>
    accepts.test(text) ? undefined : what

export const NOT_A_FLAG = problem(
  'wrong-type',
  'a property that is on or off is written true or false',
  'without quotes',
)

const flag = unless(/^(?:True|False)$/, NOT_A_FLAG)

const number = unless(
  /^(?:0|[1-9][0-9]*)$/,
  problem(
    'wrong-type',
    'this property is a number, which Qubes keeps in plain digits',
    'digits, without sign, zeros before them or underscores',
  ),
)

const mac = unless(
  /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/,
  problem(
    'bad-mac',
    'this is no MAC address as Qubes keeps one',
    'six pairs of small hex digits, as in "00:16:3e:5e:6c:00"',
  ),
)

/** None is a value of these. */
const qube: Rule = (text) => {
  if (text === '') return undefined
  if (text === 'none' || text === 'default')
    return problem('not-a-qube', `${quote(text)} is not a qube`, 'write "" for none, inherit for the default')
  return qubeProblem(text)
}

/** Each byte as Python reads it: without zeros before it. */
function address4(text: string): Problem | undefined {
  const bytes = text.split('.')
  const isAddress =
    bytes.length === 4 && bytes.every((byte) => /^(?:0|[1-9][0-9]{0,2})$/.test(byte) && Number(byte) < 256)
  const hint = 'four numbers from 0 to 255, as in 10.137.0.20; inherit for the one that Qubes gives it'
  return isAddress ? undefined : problem('bad-address', `${quote(text)} is not an IPv4 address`, hint)
}

function address6(text: string): Problem | undefined {
  const url = `http://[${text}]`
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !URL.canParse(url)) {
    const hint = 'such as fd09:24ef:4179::a89:14; inherit for the one that Qubes gives it'
    return problem('bad-address', `${quote(text)} is not an IPv6 address`, hint)
  }
  const kept = new URL(url).hostname.slice(1, -1)
  return kept === text
    ? undefined
    : problem('bad-address', 'Qubes keeps this address in another spelling', `write ${quote(kept)}`)
}

const keyboard = unless(
  /^[A-Za-z]+\+[A-Za-z0-9_-]*\+[A-Za-z0-9\-_:,]*$/,
  problem(
    'bad-value',
    'this is no keyboard layout as Qubes keeps one',
    'layout, variant and options with + between them, as in us++ or de+nodeadkeys+',
  ),
)

const kernelOptions: Rule = (text) =>
  text.length <= 512
    ? undefined
    : problem('too-long', `the text has ${text.length} characters`, 'at most 512 as options of a kernel')

const RULES: Readonly<Record<string, Rule>> = {
  auto_cleanup: flag,
  backup_timestamp: number,
  default_dispvm: qube,
  guivm: qube,
  installed_by_rpm: flag,
  ip: address4,
  ip6: address6,
  kernelopts: kernelOptions,
  keyboard_layout: keyboard,
  mac,
  management_dispvm: qube,
  provides_network: flag,
  relayvm: qube,
  template: qube,
  template_for_dispvms: flag,
}

/** Every property that qubesd lets one set and that no setting stands for. */
export const KNOWN_PROPERTIES: readonly string[] = [
  ...Object.keys(RULES),
  ...['appvm_default_bootmode', 'bootmode', 'remote_name', 'transport_rpc'],
]
