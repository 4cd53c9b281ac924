import { execFileSync } from 'node:child_process'

let found: string | undefined

/** The interpreter itself: a wrapper on the PATH may take longer than a test. Without one the tests fail, and say so. */
export function python(): string {
  found ??= execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
  return found
}

try {
  python()
} catch (error) {
  throw new Error('these tests run the service of dom0, which is Python: install python3 (3.11 or later)', {
    cause: error,
  })
}
