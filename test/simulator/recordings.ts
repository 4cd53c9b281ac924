import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Compiled tests live in dist/, the recordings do not. */
export function transcripts(): string {
  const starts = [process.cwd(), dirname(fileURLToPath(import.meta.url))]
  for (const start of starts) {
    for (let dir = start; ; dir = dirname(dir)) {
      if (existsSync(join(dir, 'test/transcripts/fixture.json'))) return join(dir, 'test/transcripts')
      if (dir === dirname(dir)) break
    }
  }
  throw new Error('test/transcripts is not above the working directory')
}
