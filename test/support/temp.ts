import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a test leaves behind when it ends: `node:test`'s context is one. */
export interface Scope {
  after(work: () => Promise<void> | void): void
}

/** A folder of the test's own, with a short path: a socket's has 107 bytes at most. */
export function tempFolder(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'qs-'))
  scope.after(() => {
    // What a test started may still be writing there.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  })
  return folder
}

/** A scope to be ended by hand, for what lives for a part of a test only. */
export function ownScope(): Scope & { end(): Promise<void> } {
  const works: (() => Promise<void> | void)[] = []
  return {
    after: (work) => void works.push(work),
    async end() {
      for (const work of works.splice(0).reverse()) await work()
    },
  }
}
