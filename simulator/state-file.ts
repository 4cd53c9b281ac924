import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { printForState } from './build.ts'
import { type Host, type HostFixture, parseFixture, toFixture } from './host/index.ts'

/** The host as it was last saved, or undefined if it never was. */
export function loadState(file: string): HostFixture | undefined {
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  try {
    return parseFixture(JSON.parse(text))
  } catch (error) {
    throw new Error(`${file}: not a state of the simulator`, { cause: error })
  }
}

/** Saves before the answer goes out, and in one step, so that a kill at any time leaves a whole file. */
export function saveState(file: string, host: Host): void {
  const state = toFixture(host, (_qube, _name, value) => printForState(value))
  writeFileSync(`${file}.tmp`, `${JSON.stringify(state, null, 1)}\n`, { mode: 0o600 })
  renameSync(`${file}.tmp`, file)
}
