import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Host, simulatedHost } from './run-cli.ts'

const START = '<!-- session:start -->\n'
const END = '<!-- session:end -->'

/** What README.md shows; `drift` is someone else's hand on the host in between. */
const SESSION = [
  'apply --yes examples/windows-10.yaml',
  'plan examples/windows-10.yaml',
  'drift',
  'plan examples/windows-10.yaml',
]

test('the session in the README is what the commands print (UPDATE_GOLDEN=1 records it anew)', async (t) => {
  const host = await simulatedHost(t)
  const shown: string[] = []
  for (const line of SESSION) shown.push(await step(line, host))
  const session = `${START}\`\`\`text\n${shown.join('\n')}\`\`\`\n`
  const readme = readFileSync('README.md', 'utf8')
  const [before = '', rest = ''] = readme.split(START)
  const after = rest.slice(rest.indexOf(END))
  const wanted = before + session + after
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync('README.md', wanted)
  else assert.equal(readme, wanted)
})

async function step(line: string, host: Host): Promise<string> {
  if (line === 'drift') {
    host.simulator.act(Buffer.from('admin.vm.feature.Set+audio-model dom0 name win10-work\x00ac97'))
    return '$ qvm-features win10-work audio-model ac97        # someone else\n'
  }
  const { out, err } = await host.qstate(...line.split(' '))
  const text = (out + err)
    .replaceAll(host.socket, '/var/run/qubesd.sock')
    .replace(/ · commit [0-9a-f]{12}\+?/g, '')
  return `$ qstate ${line}\n${text}`
}
