import { isCode } from '../../spec/diagnostics/index.ts'

/**
 * Documents that earlier versions have left on hosts, as they are written by now; what is of neither form is left for the schema to
 * refuse. Earlier ones wrote `why` or `refused` for the message of a problem, no code with it, or one that has another name by now.
 */
export function asWrittenNow(id: string, json: unknown): unknown {
  const rewrite = Object.hasOwn(EARLIER, id) ? EARLIER[id] : undefined
  return rewrite === undefined ? json : rewrite(json)
}

type Rewrite = (json: unknown) => unknown

/** A problem. Another version may have written it, with a code that this one does not know. */
function problemNow(json: unknown): unknown {
  if (!isObject(json)) return json
  const { why, refused, ...rest } = json
  const { code, message = why ?? refused } = rest
  if (code !== undefined && typeof code !== 'string') return json
  const known = code === undefined ? '' : (RENAMED.get(code) ?? code)
  if (isCode(known)) return { ...rest, code: known, message }
  const told = known === '' || typeof message !== 'string' ? message : `${known}: ${message}`
  return { ...rest, code: 'other-version', message: told }
}

const RENAMED: ReadonlyMap<string, string> = new Map([
  ['already-there', 'already-exists'],
  ['daemon-gone', 'daemon-unreachable'],
  ['daemon-said-no', 'daemon-error'],
  ['not-given-up', 'device-in-use'],
  ['system', 'system-error'],
])

/** What has a problem stood beside the words of it. */
function besideProblem(json: unknown): unknown {
  if (!isObject(json)) return json
  if ('problem' in json) return { ...json, problem: problemNow(json['problem']) }
  const { why, hint = '', ...rest } = json
  return { ...rest, problem: problemNow({ why, hint }) }
}

const isObject = (json: unknown): json is Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const inKey =
  (key: string, rewrite: Rewrite): Rewrite =>
  (json) =>
    isObject(json) && Object.hasOwn(json, key) ? { ...json, [key]: rewrite(json[key]) } : json

const inEach =
  (rewrite: Rewrite): Rewrite =>
  (json) =>
    Array.isArray(json) ? json.map(rewrite) : json

const inValues =
  (rewrite: Rewrite): Rewrite =>
  (json) =>
    isObject(json)
      ? Object.fromEntries(Object.entries(json).map(([key, value]) => [key, rewrite(value)]))
      : json

/** Keys that earlier versions did not write. */
const withMissing =
  (missing: Readonly<Record<string, unknown>>): Rewrite =>
  (json) =>
    isObject(json) ? { ...missing, ...json } : json

const all =
  (...rewrites: readonly Rewrite[]): Rewrite =>
  (json) =>
    rewrites.reduce((told, rewrite) => rewrite(told), json)

const inKeys = (keys: readonly string[], rewrite: Rewrite): Rewrite =>
  all(...keys.map((key) => inKey(key, rewrite)))

/** When a commit was refused stood under `at`, which is a line of the spec by now. */
const refusalNow: Rewrite = (json) => {
  if (!isObject(json) || typeof json['at'] !== 'string') return problemNow(json)
  const { at: since, ...rest } = json
  return problemNow({ ...rest, since })
}

const observationNow: Rewrite = (json) =>
  isObject(json) && json['status'] === 'unknown' ? besideProblem(json) : json

const is =
  (old: unknown, now: unknown): Rewrite =>
  (json) =>
    json === old ? now : json

const EARLIER: Readonly<Record<string, Rewrite>> = {
  'qstate.plan': all(
    inKey('version', is(1, 2)),
    inKey(
      'qubes',
      inEach(
        all(
          inKeys(['blocked', 'held'], inEach(besideProblem)),
          inKey('changes', inEach(inKey('reason', is('prune', 'withdrawn')))),
          inKey(
            'notes',
            inEach(inKey('kind', all(is('forgotten', 'as-before'), is('dropped', 'as-before')))),
          ),
        ),
      ),
    ),
    inKey('orphansUnknown', problemNow),
    inKey('untold', inEach(besideProblem)),
  ),
  'qstate.apply-report': inKey(
    'qubes',
    inEach(
      all(
        inKey('error', problemNow),
        inKey('outcomes', inEach(inKey('error', problemNow))),
        withMissing({ unanswered: 0 }),
      ),
    ),
  ),
  'qstate.agent': all(
    inKeys(['gaveUp', 'unreachable', 'fleetAway', 'error'], problemNow),
    inKey('refused', refusalNow),
    inKey('blocked', inEach(besideProblem)),
    inKey('failing', inEach(problemNow)),
  ),
  'qstate.host-state': all(
    inKeys(['templates'], observationNow),
    inKey('tables', inValues(problemNow)),
    inKey(
      'qubes',
      inEach(
        all(
          inKeys(['features', 'properties', 'tags', 'usb', 'denied', 'slic'], observationNow),
          inKeys(['features', 'properties'], inKey('value', inValues(observationNow))),
        ),
      ),
    ),
  ),
  'qstate.report': inKeys(['trouble', 'hold'], problemNow),
  'qstate.host-plan': inKey('problem', problemNow),
  'qstate.rollout': all(inKey('problem', problemNow), inKey('hosts', inValues(inKey('problem', problemNow)))),
}
