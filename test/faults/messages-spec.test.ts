import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedHost } from '../cli/run-cli.ts'

/** What is wrong with a spec comes with the line to write. */

const HEAD = 'apiVersion: qstate/v1\n'

const CASES: readonly (readonly [what: string, text: string, message: RegExp, hint: RegExp])[] = [
  [
    'a setting of the stubdomain at the top of a qube',
    'qubes: { w: { qrexec: "" } }',
    /unknown key "qrexec"/,
    /write stubdom: \{ qrexec: /,
  ],
  [
    'a property of Qubes under qube',
    'qubes: { w: { qube: { template_for_dispvms: true } } }',
    /unknown key "template_for_dispvms"/,
    /write properties: \{ template_for_dispvms: /,
  ],
  [
    'a feature of Qubes under qube',
    'qubes: { w: { qube: { no-default-kernelopts: 1 } } }',
    /unknown key "no-default-kernelopts"/,
    /write features: \{ no-default-kernelopts: /,
  ],
  ...['audio', 'tags', 'usb', 'restart', 'ensure'].map(
    (key) =>
      [
        `${key} one level too deep`,
        `qubes: { w: { qube: { ${key}: x } } }`,
        new RegExp(`unknown key "${key}"`),
        new RegExp(`write ${key} one level up, beside qube`),
      ] as const,
  ),
  ['an area without its qube', 'audio: ich6', /unknown key "audio"/, /qubes: \{ NAME: \{ audio: /],
  ['a qube without qubes', 'win10: { audio: ich6 }', /unknown key "win10"/, /write qubes: \{ win10: /],
  [
    'the markers of a merge conflict',
    'qubes:\n<<<<<<< HEAD\n  w: { audio: ich6 }\n=======\n  w: { audio: off }\n>>>>>>> other',
    /a merge conflict of git is left here/,
    /keep one of the two sides/,
  ],
]

for (const [what, text, message, hint] of CASES)
  test(`${what} is answered with the line to write`, async (t) => {
    const host = await simulatedHost(t)
    const { code, err } = await host.qstate('validate', host.write('a.yaml', `${HEAD}${text}\n`))
    assert.equal(code, 65)
    assert.match(err, message)
    assert.match(err.replace(/\s+/g, ' '), hint)
  })

test('a file that is no text is told as that, and not as one to be split', async (t) => {
  const host = await simulatedHost(t)
  const small = host.write('program', '\u0000')
  const { err } = await host.qstate('plan', process.execPath)
  assert.match(err, /name YAML files/)
  assert.notEqual((await host.qstate('plan', small)).code, 0)
})
