import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeRepository, type Repository } from '../support/repository.ts'

/** A folder to which every program that was planted writes its name once it runs. */
export interface Traces {
  /** Path of a program that leaves a trace of this name: what git runs by a shell or without one. */
  readonly program: (name: string) => string
  /** The same at a place of its own. */
  readonly programAt: (path: string, name: string) => string
  readonly left: () => readonly string[]
}

export function tracesIn(folder: string): Traces {
  const [place, programs] = [join(folder, 'traces'), join(folder, 'programs')]
  mkdirSync(place, { recursive: true })
  const programAt = (path: string, name: string): string => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `#!/bin/sh\nPATH=/usr/bin:/bin touch ${join(place, name)}\nexit 1\n`, { mode: 0o755 })
    return path
  }
  return {
    programAt,
    program: (name) => programAt(join(programs, name), name),
    left: () => readdirSync(place).sort(),
  }
}

/** As githooks(5) names them. */
const HOOKS = [
  ...['applypatch-msg', 'pre-applypatch', 'post-applypatch', 'pre-commit', 'pre-merge-commit', 'commit-msg'],
  ...[
    'prepare-commit-msg',
    'post-commit',
    'pre-rebase',
    'post-checkout',
    'post-merge',
    'pre-push',
    'pre-receive',
  ],
  ...['update', 'proc-receive', 'post-receive', 'post-update', 'reference-transaction', 'push-to-checkout'],
  ...['pre-auto-gc', 'post-rewrite', 'sendemail-validate', 'fsmonitor-watchman', 'post-index-change'],
]

/** Settings of git whose value is run. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  core: ['fsmonitor', 'pager', 'editor', 'sshCommand', 'askPass', 'gitProxy', 'alternateRefsCommand'],
  'filter "planted"': ['clean', 'smudge', 'process'],
  diff: ['external'],
  'diff "planted"': ['textconv', 'command'],
  'merge "planted"': ['driver'],
  gpg: ['program'],
  'gpg "ssh"': ['program', 'defaultKeyCommand'],
  'gpg "openpgp"': ['program'],
  'gpg "x509"': ['program'],
  uploadpack: ['packObjectsHook'],
  sequence: ['editor'],
  interactive: ['diffFilter'],
  pager: ['log', 'status', 'config', 'diff', 'show'],
}

/** Where a command needs a mark before it. */
const MARKED: Readonly<Record<string, readonly string[]>> = {
  credential: ['helper'],
  'credential "https://127.0.0.1"': ['helper'],
  'submodule "planted"': ['update'],
  alias: ['log', 'status', 'rev-parse', 'fetch', 'ls-tree'],
}

/** All that a repository can have git run, in its settings, those of a work tree, in attributes, hooks, and what it borrows objects from. */
export function plant(repo: Repository, { program, programAt }: Traces): void {
  const own = (path: string): string => join(repo.gitDir, path)
  const section = (name: string, keys: readonly string[], mark: string, where: string): string => {
    const lines = keys.map(
      (key) => `\t${key} = ${mark}${program(`${where} ${name} ${key}`.replace(/[^\w-]+/g, '.'))}`,
    )
    return [`[${name}]`, ...lines, ''].join('\n')
  }
  const settings = (where: string): string =>
    [
      ...Object.entries(SETTINGS).map(([name, keys]) => section(name, keys, '', where)),
      ...Object.entries(MARKED).map(([name, keys]) => section(name, keys, '!', where)),
    ].join('')
  const ext = (name: string): string => `ext::${program(name)}`
  writeFileSync(
    own('config'),
    `[core]
	repositoryformatversion = 1
	hooksPath = ${own('planted-hooks')}
	attributesFile = ${own('planted-attributes')}
[extensions]
	worktreeConfig = true
	partialClone = origin
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[remote "origin"]
	url = ${ext('remote.url')}
	uploadpack = ${program('remote.uploadpack')}
	receivepack = ${program('remote.receivepack')}
	promisor = true
	partialclonefilter = blob:none
	fetch = +refs/heads/*:refs/remotes/origin/*
[submodule]
	recurse = true
[filter "planted"]
	required = true
[gpg "ssh"]
	allowedSignersFile = /dev/null
[init]
	templateDir = ${own('planted-template')}
[include]
	path = planted-include
[includeIf "gitdir:**"]
	path = planted-include-if
${settings('config')}`,
  )
  writeFileSync(own('config.worktree'), settings('worktree'))
  writeFileSync(own('planted-include'), settings('include'))
  writeFileSync(own('planted-include-if'), settings('includeIf'))
  for (const hook of HOOKS) {
    for (const folder of ['hooks', 'planted-hooks', 'planted-template/hooks'])
      programAt(own(join(folder, hook)), `${folder.replace('/', '.')}.${hook}`)
  }
  mkdirSync(own('info'), { recursive: true })
  for (const place of ['info/attributes', 'planted-attributes']) writeFileSync(own(place), ATTRIBUTES)
  writeFileSync(own('../.gitattributes'), ATTRIBUTES)
  writeFileSync(
    own('../.gitmodules'),
    `[submodule "planted"]\n\tpath = s\n\turl = ${ext('gitmodules.url')}\n\tupdate = !${program('gitmodules.update')}\n`,
  )
  const lender = makeRepository({ after: () => undefined }, join(dirname(repo.folder), 'lender'))
  writeFileSync(
    join(lender.gitDir, 'config'),
    `[core]\n\trepositoryformatversion = 0\n${settings('alternate')}`,
  )
  writeFileSync(own('objects/info/alternates'), `${join(lender.gitDir, 'objects')}\n`)
}

const ATTRIBUTES = '* filter=planted diff=planted merge=planted text\n'

/** What the environment can have git run; what reaches servers (GIT_SSH) is the caller's own to say. */
export function plantedEnvironment(
  folder: string,
  { program, programAt }: Traces,
): Readonly<Record<string, string>> {
  const programs = join(folder, 'exec-path')
  for (const name of [
    'git',
    'git-upload-pack',
    'git-remote-https',
    'git-credential-store',
    'git-status',
    'git-log',
  ])
    programAt(join(programs, name), `exec-path.${name}`)
  programAt(join(folder, 'template/hooks/post-checkout'), 'env.template')
  const of = (name: string): string => program(`env.${name}`)
  const asked = [
    'GIT_EXTERNAL_DIFF',
    'GIT_PAGER',
    'GIT_EDITOR',
    'GIT_SEQUENCE_EDITOR',
    'GIT_ASKPASS',
    'GIT_PROXY_COMMAND',
  ]
  return {
    ...Object.fromEntries([...asked, 'PAGER', 'EDITOR', 'SSH_ASKPASS'].map((name) => [name, of(name)])),
    GIT_ALLOW_PROTOCOL: 'ext:file:https:ssh',
    GIT_PROTOCOL_FROM_USER: '1',
    GIT_EXEC_PATH: programs,
    GIT_TEMPLATE_DIR: join(folder, 'template'),
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'core.fsmonitor',
    GIT_CONFIG_VALUE_0: of('config.fsmonitor'),
    GIT_CONFIG_KEY_1: 'filter.planted.clean',
    GIT_CONFIG_VALUE_1: of('config.clean'),
    GIT_CONFIG_PARAMETERS: `'core.fsmonitor'='${of('parameters.fsmonitor')}'`,
  }
}

/** Takes the object of a file out of a repository, so that it would have to be fetched. */
export function loseObject(repo: Repository, rev: string): void {
  const object = repo.git('rev-parse', rev)
  const path = join(repo.gitDir, 'objects', object.slice(0, 2), object.slice(2))
  if (!existsSync(path)) throw new Error(`${path} is no loose object`)
  rmSync(path)
}
