import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { branchSource, type News, type Source } from '../../agent/loop/source.ts'
import { pathsLayout } from '../../git/layout/index.ts'
import { openMirror } from '../../git/mirror.ts'
import { type AgentTrust } from '../../spec/agent/model.ts'
import { makeRepository, makeSshKey, type Repository } from '../support/repository.ts'
import { type Scope, tempFolder } from '../support/temp.ts'

export const NONE: AgentTrust = { by: 'none' }
export const SPEC = 'apiVersion: qstate/v1\nqubes: {}\n'

export interface World {
  readonly folder: string
  readonly repo: Repository
  readonly source: (more?: Partial<Options>) => Source
}

interface Options {
  readonly trust: AgentTrust
  readonly commits: 'all' | 'tip'
  readonly url: string
  readonly tag: string
  readonly maxBytes: number
  readonly paths: readonly string[]
  readonly kind: typeof branchSource
}

export function makeWorld(scope: Scope): World {
  const folder = tempFolder(scope)
  const repo = makeRepository(scope)
  let mirrors = 0
  return {
    folder,
    repo,
    source({
      trust = NONE,
      commits = 'all',
      url = repo.folder,
      tag,
      maxBytes = 2 ** 26,
      paths = ['.'],
      kind = branchSource,
    } = {}) {
      mirrors += 1
      const mirror = openMirror(join(folder, `mirror-${mirrors}.git`), {
        url,
        ref: tag === undefined ? { kind: 'branch', name: 'main' } : { kind: 'tag', name: tag },
        maxBytes,
        identity: null,
        knownHosts: null,
        credentials: null,
      })
      return kind(mirror, { trust, commits, layout: pathsLayout(paths) })
    },
  }
}

export const never = new AbortController().signal
export const base = (commit: string): { commit: string; known: boolean } => ({ commit, known: true })
export const look = (source: Source, from: string | null, accepted: string | null = null): Promise<News> =>
  source.look({ base: from === null ? null : base(from), accepted, ordered: null }, never)

/** What became of it, in a word: the code of a refusal where it was refused. */
export const wordOf = (news: News): string => (news.kind === 'refused' ? news.problem.code : news.kind)

/** Two people who may sign, one who may not. */
export function signers(
  scope: Scope,
  folder: string,
): { trust: AgentTrust; alice: string; bela: string; eve: string } {
  const [alice, bela, eve] = ['alice', 'bela', 'eve'].map((name) => makeSshKey(scope, name))
  assert.ok(alice && bela && eve)
  const file = join(folder, 'allowed')
  writeFileSync(file, `alice@example.org ${alice.public}\nbela@example.org ${bela.public}\n`)
  return {
    trust: { by: 'ssh', allowedSigners: file, revoked: null },
    alice: alice.path,
    bela: bela.path,
    eve: eve.path,
  }
}
