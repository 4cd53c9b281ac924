import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import { openStore } from '../../agent/state/store.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { requireProblems, type Told } from '../support/problems.ts'
import { type Host, type Result, simulatedHost } from './run-cli.ts'

/** Whatever a command with --json says of what is wrong has a code, and the line of the spec where that has one. */

interface World extends Host {
  /** Writes a file, and gives its path. */
  fault(method: string, more?: Partial<Fault['match']>): void
}

async function begin(t: TestContext): Promise<World> {
  const host = await simulatedHost(t)
  return {
    ...host,
    fault(method, more) {
      host.simulator.setFaults([{ match: { method, ...more }, do: 'refuse' }])
    },
  }
}

const spec = (qubes: string): string => `apiVersion: qstate/v1\nname: test\nqubes:\n${qubes}`

interface Case {
  readonly name: string
  readonly run: (it: World, t: TestContext) => Promise<Result> | Result
  /** Problems that are among those of the answer. */
  readonly has: readonly Told[]
}

const WEBCAM = spec(
  '  win10-work:\n    stubdom: { qrexec: true }\n    usb:\n      "sys-usb+2-1:*": auto-attach\n      "sys-usb+9-9:*": auto-attach\n',
)

const CASES: readonly Case[] = [
  {
    name: 'plan: what is blocked, and what would explain the plan',
    run(it) {
      it.fault('admin.vm.feature.Get', { arg: 'audio-model' })
      const file = it.write('a.yaml', spec('  win10-work: { audio: ich6 }\n  nosuch: { audio: ich6 }\n'))
      return it.qstate('--json', 'plan', file)
    },
    has: [
      ['qubes.blocked.problem', 'refused', 4],
      ['qubes.blocked.problem', 'unknown-qube', 5],
    ],
  },
  {
    name: 'plan: a warning of the run',
    run(it) {
      it.fault('admin.vm.tag.Get')
      const select = 'apiVersion: qstate/v1\nselect: [{ match: { tag: office }, tags: [x] }]\nqubes: {}\n'
      return it.qstate('--json', 'plan', it.write('a.yaml', select))
    },
    has: [['warnings', 'tags-unknown', null]],
  },
  {
    name: 'apply: a removal that is withheld, as the spec says it',
    async run(it) {
      const made = spec('  win11-new: { ensure: { label: red } }\n')
      assert.equal((await it.qstate('apply', '--yes', it.write('a.yaml', made))).code, 0)
      return it.qstate(
        '--json',
        'apply',
        '--yes',
        it.write('b.yaml', spec('  win11-new: { ensure: absent }\n')),
      )
    },
    has: [['plan.qubes.blocked.problem', 'removal-not-allowed', 4]],
  },
  {
    name: 'apply of a saved plan: a removal that is not allowed',
    async run(it) {
      const made = spec('  win11-new: { ensure: { label: red } }\n')
      assert.equal((await it.qstate('apply', '--yes', it.write('a.yaml', made))).code, 0)
      const file = join(it.folder, 'plan.json')
      await it.qstate('plan', it.write('b.yaml', spec('  win11-new: { ensure: absent }\n')), '-o', file)
      return it.qstate('--json', 'apply', '--yes', file)
    },
    has: [['error', 'needs-allow-remove', 4]],
  },
  {
    name: 'apply --live: a device that is not plugged in, and one that another qube has',
    run(it) {
      it.simulator.host.attachments.set('sys-usb 2-1', 'win10-home')
      return it.qstate('--json', 'apply', '--yes', '--live', it.write('a.yaml', WEBCAM))
    },
    has: [
      ['live.problem', 'device-in-use', 7],
      ['live.problem', 'device-absent', 8],
    ],
  },
  {
    name: 'apply --live: a call that is refused',
    run(it) {
      it.fault('admin.vm.device.usb.Attach')
      return it.qstate('--json', 'apply', '--yes', '--live', it.write('a.yaml', WEBCAM))
    },
    has: [['live.problem', 'refused', 7]],
  },
  {
    name: 'apply --live: a stubdomain without qrexec',
    run(it) {
      it.simulator.host.qubes.get('win10-work')?.features.delete('stubdom-qrexec')
      return it.qstate('--json', 'apply', '--yes', '--live', it.write('a.yaml', WEBCAM))
    },
    has: [['live.problem', 'no-qrexec', 7]],
  },
  {
    name: 'apply --live: devices that cannot be listed',
    run(it) {
      it.fault('admin.vm.device.usb.Available')
      return it.qstate('--json', 'apply', '--yes', '--live', it.write('a.yaml', WEBCAM))
    },
    has: [
      ['live.problem', 'refused', 7],
      ['live.problem', 'refused', 8],
    ],
  },
  {
    name: 'apply: what failed, and why the run ended early',
    run(it) {
      it.fault('admin.vm.property.Set', { arg: 'vcpus' })
      const two = spec('  win10-home: { qube: { vcpus: 3 } }\n  win10-work: { qube: { vcpus: 3 } }\n')
      const options = ['--yes', '--fail-fast', '--parallelism', '1']
      return it.qstate('--json', 'apply', ...options, it.write('a.yaml', two))
    },
    has: [
      ['qubes.outcomes.error', 'refused', 4],
      ['interrupted', 'fail-fast', null],
    ],
  },
  {
    name: 'apply --restart: a restart that fails',
    run(it) {
      it.fault('admin.vm.Shutdown')
      const file = it.write('a.yaml', spec('  win10-work: { audio: ich6, qube: { vcpus: 3 } }\n'))
      return it.qstate('--json', 'apply', '--yes', '--restart', 'now', file)
    },
    has: [['restarts.error', 'refused', null]],
  },
  {
    name: 'rollback: what cannot be undone',
    async run(it) {
      const file = it.write('a.yaml', spec('  win10-work: { qube: { vcpus: 3 } }\n'))
      assert.equal((await it.qstate('apply', '--yes', file)).code, 0)
      it.fault('admin.vm.property.Reset')
      return it.qstate('--json', 'rollback', '--yes')
    },
    has: [['qubes.outcomes.error', 'refused', null]],
  },
  {
    name: 'status and what an agent knows',
    async run(it) {
      const file = it.write('a.yaml', spec('  nosuch: { audio: ich6 }\n'))
      const place = it.socket.replace(/[^A-Za-z0-9._-]+/g, '-').slice(1)
      const held = [
        { qube: 'a', path: null, why: 'frozen', until: null },
        { qube: 'b', path: null, why: 'removal', until: null },
      ] as const
      const unreachable = {
        code: 'git-failed',
        message: 'away',
        hint: 'wait',
        since: '2026-01-01T00:00:00.000Z',
        times: 3,
      } as const
      await openStore(join(it.folder, 'state', 'hosts', place, 'agent')).save({
        ...{ ...NO_MEMORY, updatedAt: '2026-11-24T12:00:00Z' },
        ...{ held, unreachable },
      })
      return it.qstate('--json', 'status', file)
    },
    has: [
      ['qubes.blocked.problem', 'unknown-qube', 4],
      ['agent.held.problem', 'frozen', null],
      ['agent.held.problem', 'removal-not-allowed', null],
      ['agent.unreachable', 'git-failed', null],
    ],
  },
  {
    name: 'drift',
    run: (it) => it.qstate('--json', 'drift', it.write('a.yaml', spec('  nosuch: { audio: ich6 }\n'))),
    has: [['blocked.problem', 'unknown-qube', 4]],
  },
  {
    name: 'validate',
    run: (it) => it.qstate('--json', 'validate', it.write('a.yaml', spec('  a: { audoi: 1 }\n'))),
    has: [['diagnostics', 'unknown-key', 4]],
  },
  {
    name: 'show',
    run(it) {
      it.fault('admin.vm.tag.List')
      return it.qstate('--json', 'show', 'win10-work')
    },
    has: [['settings.problem', 'refused', null]],
  },
  {
    name: 'import: what is left out',
    run(it) {
      it.fault('admin.vm.tag.List')
      it.simulator.host.qubes.get('win10-work')?.features.set('audio-model', 'ac98')
      return it.qstate('--json', 'import', 'win10-work')
    },
    has: [
      ['left_out.problem', 'refused', null],
      ['left_out.problem', 'unknown-model', null],
    ],
  },
  {
    name: 'devices that cannot be listed',
    run(it) {
      it.fault('admin.vm.device.usb.Available')
      return it.qstate('--json', 'devices')
    },
    has: [['unread', 'refused', null]],
  },
  {
    name: 'doctor',
    run(it) {
      it.simulator.host.qubes.get('win10-work')?.features.set('audio-model', 'ich9')
      const missing = '  win12: { extends: windows-11, usb: { "nowhere+1-1:*": auto-attach } }\n'
      return it.qstate('--json', 'doctor', it.write('a.yaml', spec(`  win10-work: {}\n${missing}`)))
    },
    has: [
      ['examined.findings.problem', 'unknown-model', null],
      ['examined.findings.problem', 'unknown-qube', 5],
      ['examined.findings.problem', 'no-windows-tools', null],
    ],
  },
  {
    name: 'doctor: no daemon',
    run: (it) => it.qstate('--json', '--socket', join(it.folder, 'none'), 'doctor'),
    has: [['examined.findings.problem', 'daemon-unreachable', null]],
  },
  {
    name: 'record: what could not be read',
    run(it) {
      it.fault('admin.vm.tag.List')
      return it.qstate('--json', 'record')
    },
    has: [['qubes.tags.problem', 'refused', null]],
  },
  {
    name: 'plan --diff',
    run: (it) => it.qstateWith({ cwd: it.folder }, '--json', 'plan', '--diff', 'A..B'),
    has: [['error', 'git-failed', null]],
  },
  {
    name: 'policy',
    run: (it) =>
      it.qstate('--json', 'policy', '--qube', 'mgmt', it.write('a.yaml', spec('  a: { audoi: 1 }\n'))),
    has: [
      ['error', 'invalid-spec', 4],
      ['diagnostics', 'unknown-key', 4],
    ],
  },
  {
    name: 'init',
    async run(it) {
      const folder = join(it.folder, 'repository')
      assert.equal((await it.qstate('init', folder)).code, 0)
      return it.qstate('--json', 'init', folder)
    },
    has: [['error', 'not-empty', null]],
  },
  {
    name: 'history',
    run(it) {
      mkdirSync(join(it.folder, 'state'))
      chmodSync(join(it.folder, 'state'), 0o777)
      return it.qstate('--json', 'history')
    },
    has: [['error', 'unsafe-state-folder', null]],
  },
  {
    name: 'agent check',
    run(it) {
      const text = `apiVersion: qstate/v1
kind: Agent
source: { url: /r, paths: [hosts/laptop.yaml] }
verify: { by: ssh, allowedSigners: /no/such/signers }
`
      return it.qstate('--json', 'agent', 'check', '--file', it.write('agent.yaml', text))
    },
    has: [['warnings', 'no-such-file', null]],
  },
  {
    name: 'agent suspend',
    run: (it) => it.qstate('--json', 'agent', 'suspend'),
    has: [['error', 'no-agent', null]],
  },
]

for (const { name, run, has } of CASES) {
  test(`what is wrong has a code, and its line: ${name}`, async (t) => {
    requireProblems(await run(await begin(t), t), has)
  })
}
