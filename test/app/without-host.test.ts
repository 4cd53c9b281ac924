import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectHost } from '../../app/host/connect.ts'
import { layOutRepository } from '../../app/init/lay-out.ts'
import { policyFor, type PolicyRequest } from '../../app/policy/policy-for.ts'
import { loadSpec } from '../../app/source/load.ts'
import { validateAt } from '../../app/validate/validate.ts'
import { hasCode, problem, QstateError } from '../../spec/diagnostics/problem.ts'
import { startHost } from '../support/host.ts'
import { tempFolder } from '../support/temp.ts'
import { at, NOWHERE, targetOf, testContext, write } from './world.ts'

const NO_EXTRAS = { restart: false, live: false, explain: false, agent: false, confirm: false }
const REQUEST: PolicyRequest = { qube: 'mgmt', version: null, extras: NO_EXTRAS }
const noHost = (): Promise<never> =>
  Promise.reject(new QstateError(problem('daemon-unreachable', 'no host here', '')))

test('a policy is rules by group, and asks no host where names and tags are enough', async (t) => {
  const folder = tempFolder(t)
  const context = testContext(folder)
  const text = 'apiVersion: qstate/v1\nqubes: { win10-work: { qube: { memory: 6144 } } }\n'
  const spec = await loadSpec(at(write(folder, 'spec.yaml', text)), context)
  const { source, groups } = await policyFor(spec, REQUEST, noHost)
  assert.equal(source, 'mgmt')
  assert.deepEqual(
    groups.flatMap(({ rules }) => rules).filter(({ method }) => method === 'admin.vm.property.Set'),
    [{ method: 'admin.vm.property.Set', arg: '+memory', target: 'win10-work' }],
  )
  const trial = { ...REQUEST, extras: { ...NO_EXTRAS, confirm: true } }
  const added = (await policyFor(spec, trial, noHost)).groups.filter(
    ({ title }) => !groups.some((group) => group.title === title),
  )
  assert.deepEqual(
    added.flatMap(({ rules }) => rules),
    [{ method: 'admin.vm.property.Get', arg: '+netvm', target: '@anyvm' }],
    'what tells whether an apply on trial changes the network of the qube that takes it back',
  )
})

test('a selector by name takes the names from the host, and says so where none answers', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const text = 'apiVersion: qstate/v1\nselect: [{ match: { name: "win10-*" }, qube: { memory: 6144 } }]\n'
  const spec = await loadSpec(at(write(host.folder, 'spec.yaml', text)), context)
  await assert.rejects(
    policyFor(spec, REQUEST, noHost),
    (error) => hasCode(error, 'daemon-unreachable') && /match by tag or class/.test(error.hint),
  )
  const { groups } = await policyFor(spec, REQUEST, () => connectHost(targetOf(host), context))
  const targets = groups.flatMap(({ rules }) =>
    rules.flatMap(({ method, target }) => (method === 'admin.vm.property.Set' ? [target] : [])),
  )
  assert.deepEqual(targets.sort(), ['win10-home', 'win10-work'])
})

test('a repository that is laid out is valid as it stands, and is laid out once', async (t) => {
  const folder = tempFolder(t)
  const context = testContext(folder)
  const made = await layOutRepository('.', 'laptop', context)
  assert.equal(made.isNew, true)
  const checked = await validateAt(at('profiles', 'devices', 'hosts/laptop.yaml'), context)
  assert.deepEqual([checked.kind, checked.valid, checked.diagnostics], ['spec', true, []])
  await assert.rejects(layOutRepository('.', 'laptop', context), (error) => hasCode(error, 'not-empty'))
})

test('of a fleet each host is valid or not by itself', async (t) => {
  const folder = tempFolder(t)
  write(folder, 'base.yaml', 'apiVersion: qstate/v1\nqubes: { win10: { qube: { memory: "${memory}" } } }\n')
  const values = (memory: string): string => `{ reach: { socket: s }, values: { memory: ${memory} } }`
  const hosts = `{ good: ${values('4096')}, bad: ${values('lots')} }`
  write(
    folder,
    'fleet.yaml',
    `apiVersion: qstate/v1\nkind: Fleet\nname: home\nspec: [base.yaml]\nhosts: ${hosts}\n`,
  )
  const checked = await validateAt(NOWHERE, testContext(folder))
  assert.equal(checked.kind, 'fleet')
  assert.equal(checked.valid, false)
  assert.deepEqual(
    checked.hosts.map(({ host, valid }) => [host, valid]),
    [
      ['good', true],
      ['bad', false],
    ],
  )
  assert.deepEqual(
    checked.diagnostics.map((one) => one.hosts),
    [['bad']],
  )
})
