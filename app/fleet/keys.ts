import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Key, makeKey, readKey } from '../../fleet/index.ts'
import { isSystemError, problem, QstateError, systemProblem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../index.ts'
import { writeOutputFile } from '../index.ts'

/** A key as it is in a file: the public one goes into the fleet's file. */
export interface KeyFile {
  readonly publicKey: string
  readonly file: string
}

/** Makes a private key for a host, or for someone in charge. Never over a file that exists. */
export function makeKeyFile(file: string, { cwd }: Context): KeyFile {
  const key = makeKey()
  if (writeOutputFile({ path: file, cwd, text: `${key.seed}\n`, isNew: true, mode: 0o600 }))
    return keyFile(key, file, cwd)
  const hint = `name another file; the public key of that one: qstate fleet key --of ${file}`
  throw new QstateError(problem('key-exists', `${file} is there already`, hint))
}

/** Reads a private key that was made before. */
export function readKeyFile(file: string, { cwd }: Context): KeyFile {
  const key = readKey(readText(resolve(cwd, file)))
  if (key !== null) return keyFile(key, file, cwd)
  throw new QstateError(problem('not-a-key', `${file} holds no private key, or a mistyped one`, AS_MADE))
}

const keyFile = ({ publicKey }: Key, file: string, cwd: string): KeyFile => ({
  publicKey,
  file: resolve(cwd, file),
})

const AS_MADE = 'name what `qstate fleet key --out FILE` has written, as it was written'

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (!isSystemError(error)) throw error
    const { message } = systemProblem(Object.assign(error, { path }))
    throw new QstateError(problem('unreadable-key', message, AS_MADE))
  }
}
