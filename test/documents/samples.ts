import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import {
  acceptedDocument,
  consentDocument,
  memoryDocument,
  orderedDocument,
  suspensionDocument,
} from '../../documents/agent/index.ts'
import {
  askDocument,
  hostPlanDocument,
  hostReportDocument,
  leaseDocument,
  memberDocument,
  orderDocument,
  rolloutConsentDocument,
  rolloutStateDocument,
} from '../../documents/fleet/index.ts'
import {
  baselineDocument,
  generationDocument,
  holderDocument,
  planDocument,
  receiptDocument,
  reportDocument,
  snapshotDocument,
  stepDocument,
  unconfirmedDocument,
} from '../../documents/host/index.ts'
import { asWrittenNow } from '../../documents/read/earlier.ts'
import { type Document } from '../../documents/read/index.ts'
import { ROOT } from '../support/host.ts'

/** One document of each kind, as qstate writes it, and where in it something else is put to make it damaged. */
export interface Sample {
  readonly document: Document<unknown>
  readonly json: object
  /** Keys on the way to a value deep inside, and what stands there instead. */
  readonly deep: readonly [readonly (string | number)[], unknown]
}

const AT = '2026-11-24T12:00:00.000Z'
const COMMIT = 'a'.repeat(40)

export const earlier = (...path: readonly string[]): string => join(ROOT, 'test/documents/earlier', ...path)
const readJson = (...path: readonly string[]): object =>
  JSON.parse(readFileSync(earlier(...path), 'utf8')) as object

const marked = ({ id, version }: Document<unknown>, more: object): object => ({
  schema: id,
  version,
  ...more,
})

const withdrawals = [{ qube: 'win10', uuid: 'a-uuid', path: 'qube/memory', after: 4096 }]
const signed = { key: `U${'A'.repeat(55)}`, signature: `${'A'.repeat(86)}==` }
const rolloutConsent = { withdrawals, by: 'alice@dom0', at: AT, signed }

const order = marked(orderDocument, {
  ...{ id: '1.2', epoch: 3, commit: COMMIT, back: false, look: true, running: ['win10'], check: 'boots' },
  consent: rolloutConsent,
})

const problem = { code: 'timeout', message: 'no answer', hint: 'try again' }

export const SAMPLES: Readonly<Record<string, Sample>> = {
  plan: {
    document: planDocument,
    json: asWrittenNow(planDocument.id, readJson('generation', 'plan.json')) as object,
    deep: [['qubes', 1, 'waiting'], [5]],
  },
  report: {
    document: reportDocument,
    json: marked(
      reportDocument,
      asWrittenNow(reportDocument.id, readJson('generation', 'report.json')) as object,
    ),
    deep: [['qubes', 1, 'outcomes', 0, 'status'], 'perhaps'],
  },
  generation: {
    document: generationDocument,
    json: marked(generationDocument, readJson('generation', 'meta.json')),
    deep: [['at'], 'yesterday'],
  },
  step: {
    document: stepDocument,
    json: { qube: 'win10', what: 'audio/model', phase: 'before' },
    deep: [['phase'], 'meanwhile'],
  },
  holder: {
    document: holderDocument,
    json: marked(holderDocument, {
      ...{ token: 'f'.repeat(24), pid: 1, started: '1', boot: 'b', who: 'me', since: AT },
    }),
    deep: [['token'], '../../etc/passwd'],
  },
  snapshot: {
    document: snapshotDocument,
    json: marked(snapshotDocument, {
      ...{ recordedAt: AT, where: 'dom0', release: '4.3', exactRelease: '4.3' },
      tables: { 'host:SLIC': null },
      templates: { status: 'present', value: [] },
      qubes: [
        {
          ...{ name: 'win10', klass: 'StandaloneVM', state: 'Halted', uuid: null, volumes: { root: 1 } },
          features: { status: 'present', value: { 'audio-model': 'ich6' } },
          properties: { status: 'present', value: { vcpus: { value: '2', isDefault: true } } },
          ...{ tags: { status: 'present', value: ['office'] }, usb: { status: 'absent' } },
          ...{ denied: { status: 'absent' }, slic: { status: 'absent' } },
        },
      ],
    }),
    deep: [['qubes', 0, 'properties', 'value', 'vcpus'], 2],
  },
  memory: {
    document: memoryDocument,
    json: { ...NO_MEMORY, updatedAt: AT, error: { ...problem, since: AT } },
    deep: [['drift'], null],
  },
  unconfirmed: {
    document: unconfirmedDocument,
    json: marked(unconfirmedDocument, {
      ...{ generation: 3, who: 'alice@dom0', at: AT, boot: 'b', deadline: 812.5, seconds: 300 },
      ...{ unit: 'qstate-revert-3', commit: COMMIT, restarted: ['win10-work'], live: false },
      untried: [{ qube: 'win10-work', paths: ['audio/model'] }],
    }),
    deep: [['deadline'], 'soon'],
  },
  suspension: {
    document: suspensionDocument,
    json: marked(suspensionDocument, { until: AT, by: 'alice', since: AT, why: '' }),
    deep: [['until'], 'for a bit'],
  },
  accepted: {
    document: acceptedDocument,
    json: marked(acceptedDocument, { commit: COMMIT }),
    deep: [['commit'], '--upload-pack=evil'],
  },
  ordered: {
    document: orderedDocument,
    json: marked(orderedDocument, {
      ...{ id: '1.1', commit: COMMIT, back: false },
      consent: { isEnough: true, by: 'alice@dom0', at: AT, withdrawals },
    }),
    deep: [['consent', 'withdrawals', 0, 'uuid'], 5],
  },
  baseline: {
    document: baselineDocument,
    json: marked(baselineDocument, { owned: { 'a-uuid': ['qube/memory'] } }),
    deep: [['owned', 'a-uuid', 0], 5],
  },
  consent: {
    document: consentDocument,
    json: marked(consentDocument, {
      ...{ commit: COMMIT, by: 'alice@dom0', at: AT, withdrawals },
    }),
    deep: [['withdrawals', 0, 'path'], null],
  },
  receipt: {
    document: receiptDocument,
    json: marked(receiptDocument, {
      accepted: ['text', null],
      open: true,
      was: { 'tags/x': [true, null] },
      base: null,
      qube: 'win10',
    }),
    deep: [['was', 'tags/x', 0], { mode: 'off' }],
  },
  order: { document: orderDocument, json: order, deep: [['running', 0], 'a qube'] },
  'host-report': {
    document: hostReportDocument,
    json: marked(hostReportDocument, {
      ...{ host: 'desk', beat: 1, at: AT, order: null, looked: false, status: 'failed', commit: COMMIT },
      ...{ digest: null, generation: 1, drift: 0, restarts: 0, notRunning: ['win10'], check: null },
      ...{ trouble: problem, held: null, unseenSince: null, recalled: null },
    }),
    deep: [['trouble', 'message'], '\u001b[2J'],
  },
  'host-plan': {
    document: hostPlanDocument,
    json: marked(hostPlanDocument, {
      ...{ id: 'x', digest: null, trouble: null, changes: [{ qube: 'win10', what: 'audio/model' }] },
      consent: { qubes: [{ qube: 'win10', isWhole: true }], withdrawals, keys: [signed.key] },
    }),
    deep: [['changes', 0, 'what'], '\u202e'],
  },
  'rollout-consent': {
    document: rolloutConsentDocument,
    json: marked(rolloutConsentDocument, { rollout: 3, commit: COMMIT, consent: rolloutConsent }),
    deep: [['consent', 'signed', 'signature'], ''],
  },
  'rollout-state': {
    document: rolloutStateDocument,
    json: marked(rolloutStateDocument, {
      ...{ serial: 1, name: 'r', revision: 'main', commit: COMMIT, epoch: 1, clockMs: 0, phase: 'running' },
      ...{ why: null, wave: 0, approved: [], deadlineMs: null, rollback: true, startedAt: AT },
      waves: [
        {
          ...{ name: 'w', hosts: ['desk'], maxUnavailable: 1, soakMs: 0, approval: false },
          maxFailures: { wave: null, total: 0 },
        },
      ],
      health: { drift: 0, running: [], pendingRestarts: null, check: null },
      away: { afterMs: 1, then: 'wait' },
      hosts: {
        desk: {
          ...{ wave: 0, stage: 'waiting', turn: 0, since: 0, look: false, given: false, before: null },
          ...{ why: null, consented: true },
        },
      },
      said: [{ what: 'start', by: 'me', at: AT }],
    }),
    deep: [['hosts', 'desk', 'stage'], 'asleep'],
  },
  ask: {
    document: askDocument,
    json: marked(askDocument, { id: 'x', commit: COMMIT }),
    deep: [['commit'], 'HEAD'],
  },
  lease: {
    document: leaseDocument,
    json: marked(leaseDocument, { term: 1, who: 'me', beat: 2 }),
    deep: [['term'], 1.5],
  },
  member: {
    document: memberDocument,
    json: marked(memberDocument, { epoch: 1, order, past: [COMMIT] }),
    deep: [['order', 'epoch'], '1'],
  },
}

/** The sample with something else deep inside. */
function broken({ json, deep: [path, value] }: Sample): object {
  const copy = structuredClone(json)
  const last = path.at(-1) ?? ''
  const parent = path.slice(0, -1).reduce((at: unknown, key) => (at as Record<string, unknown>)[key], copy)
  ;(parent as Record<string, unknown>)[last] = value
  return copy
}

export interface Damage {
  readonly name: string
  readonly text: (sample: Sample) => string
  readonly code: 'document-damaged' | 'document-foreign' | 'document-future'
}

const as =
  (more: object): Damage['text'] =>
  (sample) =>
    JSON.stringify({ ...sample.json, ...more })

/** Everything that a stored document may have become. */
export const DAMAGES: readonly Damage[] = [
  { name: 'nothing', text: () => '', code: 'document-damaged' },
  { name: 'not JSON', text: () => '{ "schema":', code: 'document-damaged' },
  { name: 'an empty object', text: () => '{}', code: 'document-damaged' },
  { name: 'null', text: () => 'null', code: 'document-damaged' },
  { name: 'a list', text: () => '[]', code: 'document-damaged' },
  { name: 'a text', text: () => '"plan"', code: 'document-damaged' },
  {
    name: 'something else deep inside',
    text: (sample) => JSON.stringify(broken(sample)),
    code: 'document-damaged',
  },
  { name: 'another document', text: as({ schema: 'qstate.else' }), code: 'document-foreign' },
  { name: 'one of a newer qstate', text: as({ version: 99 }), code: 'document-future' },
  { name: 'one of no version', text: as({ version: 'one' }), code: 'document-damaged' },
  {
    name: 'deeply nested',
    text: (sample) =>
      `{"deep":${'['.repeat(50_000)}${']'.repeat(50_000)},${JSON.stringify(sample.json).slice(1)}`,
    code: 'document-damaged',
  },
]
