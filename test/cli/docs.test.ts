import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { HOST_CHECKS } from '../../app/doctor/host-checks.ts'
import { QUBE_CHECKS } from '../../app/doctor/qube-checks.ts'
import { loadAgentConfig, loadHostPolicies } from '../../spec/agent/load.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { CODES } from '../../spec/diagnostics/codes.ts'
import { loadFleet } from '../../spec/fleet/load.ts'
import { ROOT, runCli } from './run-cli.ts'

interface Page {
  readonly path: string
  readonly text: string
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const PAGES: readonly Page[] = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: read(path) }))

test('every spec in the documentation is valid', () => {
  let specs = 0
  for (const { path, text } of PAGES) {
    for (const [, yaml = ''] of text.matchAll(/^```yaml\n([^]*?)^```$/gm)) {
      if (!yaml.startsWith('apiVersion:')) continue
      specs += 1
      const file = { path, text: yaml }
      const { diagnostics } = /^kind: Agent$/m.test(yaml)
        ? (/^source:/m.test(yaml) ? loadAgentConfig : loadHostPolicies)(file)
        : /^kind: (?:Fleet|Rollout)$/m.test(yaml)
          ? loadFleet([file])
          : loadManifest([file])
      assert.deepEqual(diagnostics, [], `${path}:\n${yaml}`)
    }
  }
  assert.ok(specs >= 8)
})

test('every link in the documentation leads somewhere', () => {
  const broken = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return []
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(resolve(ROOT, target))) return [`${path}: ${link}`]
      return anchor === undefined || anchorsIn(read(target)).has(anchor) ? [] : [`${path}: ${link}`]
    }),
  )
  assert.deepEqual(broken, [])
})

/** As GitHub makes them of headings. */
const anchorsIn = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )

test('every command line in the documentation names commands and options that there are', async () => {
  const wrong: string[] = []
  let lines = 0
  for (const { path, text } of PAGES) {
    for (const line of commandLines(text)) {
      lines += 1
      const why = await problemOf(line)
      if (why !== undefined) wrong.push(`${path}: ${line}: ${why}`)
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(lines >= 40)
})

/** `qstate …` in code spans, and in indented or fenced lines. What comes after a pipe, `#`, `;` or `&&` is the shell's. */
function commandLines(text: string): readonly string[] {
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  const blocks = [...text.matchAll(/^(?: {4,}|\$ )(.*)$/gm)].map(([, line = '']) => line)
  const fenced = [...text.matchAll(/^```(?:sh|text|console)?\n([^]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.split('\n').map((line) => line.replace(/^\$ /, '')),
  )
  return [...spans, ...blocks, ...fenced].flatMap((line) => {
    const [, command] =
      /(?:^|[&;$] )(?:node )?(?:bin\/)?qstate ((?:[a-z]|--).*?)(?:\s+(?:[|;#]|&&|\d?>|<|\|\|).*)?$/.exec(
        line,
      ) ?? []
    return command === undefined ? [] : [command.trim()]
  })
}

const helps = new Map<string, Promise<string>>()

const helpOf = (command: string): Promise<string> => {
  const help =
    helps.get(command) ??
    runCli([...command.split(' ').filter((word) => word !== ''), '--help']).then(({ code, out }) =>
      code === 0 ? out : '',
    )
  helps.set(command, help)
  return help
}

async function problemOf(line: string): Promise<string | undefined> {
  const words = line.split(/\s+/)
  const general = await helpOf('')
  const commands = [...general.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, name = '']) => name)
  const command = words.find(
    (word, index) => commands.includes(word) && !takesValue(general, words[index - 1]),
  )
  const first = words[0] ?? ''
  if (command === undefined) return first.startsWith('-') ? optionProblem(words, general) : 'no such command'
  if (!first.startsWith('-') && first !== command) return `no such command: ${first}`
  const help = await helpOf(command)
  // A command of commands: the word after it is one of them.
  const sub = words[words.indexOf(command) + 1]
  const isSub = sub !== undefined && new RegExp(`^ {2}${sub}(?: |$)`, 'm').test(help)
  const isWord = sub !== undefined && !sub.startsWith('-')
  if (/^Usage: qstate \w+ \[options\] \[command\]/m.test(help) && isWord && !isSub)
    return `no such command: ${command} ${sub}`
  return optionProblem(words, general + help + (isSub ? await helpOf(`${command} ${sub}`) : ''))
}

const takesValue = (help: string, word: string | undefined): boolean =>
  word?.startsWith('-') === true && new RegExp(`${word} <`).test(help)

function optionProblem(words: readonly string[], help: string): string | undefined {
  const known = new Set(
    [...help.matchAll(/(?:^|[ ,])(--?[a-zA-Z][a-z0-9-]*)/gm)].map(([, option = '']) => option),
  )
  const unknown = words
    .filter((word) => /^--?[a-zA-Z]/.test(word))
    .find((word) => !known.has(word.split('=')[0] ?? ''))
  return unknown === undefined ? undefined : `no such option: ${unknown}`
}

const TROUBLESHOOTING = read('docs/troubleshooting.md')

const unexplained = (words: Iterable<string>): readonly string[] =>
  [...words].filter((word) => !TROUBLESHOOTING.includes(`\`${word}\``)).sort()

const KNOWN: ReadonlySet<string> = new Set(Object.values(CODES).flatMap(({ codes }) => codes))

/** Codes in the first column of a table: all words of a column of codes, and those in brackets after a message. */
function codesIn(page: string): readonly string[] {
  let header = ''
  return page.split('\n').flatMap((line) => {
    const cell = /^\| (.*?) \|/.exec(line)?.[1]
    if (!line.startsWith('|')) header = ''
    else if (header === '') header = cell ?? ''
    const code = header.includes('code') ? /`([a-z-]+)`/g : /\(`([a-z]+-[a-z-]+)`\)/g
    return [...(cell ?? '').matchAll(code)].map(([, word = '']) => word)
  })
}

test('every code of a problem is explained', () => {
  assert.ok(KNOWN.size >= 150, `${KNOWN.size} codes`)
  assert.deepEqual(unexplained(KNOWN), [])
})

test('every code that is explained exists', () => {
  const told = codesIn(TROUBLESHOOTING)
  assert.ok(told.length >= 150, `${told.length} codes`)
  assert.deepEqual(
    told.filter((code) => !KNOWN.has(code)),
    [],
  )
})

test('every check of the doctor is explained', () => {
  const others = ['daemon', 'release', 'required-devices']
  const names = [...HOST_CHECKS, ...QUBE_CHECKS].map(({ name }) => name)
  assert.deepEqual(unexplained([...names, ...others]), [])
})

test('the documentation names no place of whoever wrote it', () => {
  for (const { path, text } of PAGES)
    assert.doesNotMatch(text, /\/(?:work|home|root|Users)\/|registry\.|localhost/, path)
})
