import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AgentTrust } from '../../spec/agent/model.ts'
import { look, makeWorld, signers, SPEC, wordOf } from '../agent/source-world.ts'

/** A key of GPG in a home of its own, and its public half as a ring. */
function gpgKey(
  folder: string,
  name: string,
): { readonly home: string; readonly id: string; readonly keyring: string } {
  const home = join(folder, `gnupg-${name}`)
  mkdirSync(home, { mode: 0o700 })
  const gpg = (...args: string[]): string =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const id = `${name} <${name}@example.org>`
  gpg('--passphrase', '', '--quick-generate-key', id, 'ed25519', 'sign', 'never')
  const keyring = join(folder, `${name}.gpg`)
  gpg('--export', '--output', keyring, id)
  return { home, id, keyring }
}

test('a signature of the other kind is none, whatever keys this user has', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { alice } = signers(t, folder)
  const { home, id, keyring } = gpgKey(folder, 'carla')
  repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  assert.equal(wordOf(await look(source({ trust: { by: 'gpg', keyring } }), null)), 'bad-signature')
  repo.commit({ 'a.yaml': SPEC }, { gpgKey: { id, home } })
  const { trust } = signers(t, folder)
  assert.equal(wordOf(await look(source({ trust }), null)), 'bad-signature')
})

test('takes commits signed by GPG keys in the ring, and by no other', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const carla = gpgKey(folder, 'carla')
  const mallory = gpgKey(folder, 'mallory')
  const trust: AgentTrust = { by: 'gpg', keyring: carla.keyring }
  repo.commit({ 'a.yaml': SPEC }, { gpgKey: carla })
  const news = await look(source({ trust }), null)
  assert.equal(news.kind === 'commit' && news.signers, 'carla <carla@example.org>')
  repo.commit({ 'a.yaml': SPEC }, { gpgKey: mallory })
  assert.equal(wordOf(await look(source({ trust }), null)), 'bad-signature')
})
