import { resolve } from 'node:path'
import { readBytes } from '../../documents/read/index.ts'
import { type Key, makeKey, readKey } from '../../fleet/index.ts'
import { isSystemError, problem, QstateError, systemProblem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../index.ts'
import { writeOutputFile } from '../index.ts'
import { type FleetFile } from './fleet-file.ts'

/** A key as it is in a file: the public one goes into the fleet's file. */
export interface KeyFile {
  readonly publicKey: string
  readonly file: string
}

/** Makes a private key for a host, or for someone in charge. Never over a file that exists. */
export function makeKeyFile(file: string, { cwd }: Context): KeyFile {
  const key = makeKey()
  if (writeOutputFile({ path: file, cwd, text: `${key.seed}\n`, isNew: true, mode: 0o600 }))
    return described(key, file, cwd)
  const hint = `name another file; the public key of that one: qstate fleet key --of ${file}`
  throw new QstateError(problem('key-exists', `${file} is there already`, hint))
}

/** Reads a private key that was made before. */
export function readKeyFile(file: string, { cwd }: Context): KeyFile {
  return described(readPrivateKey(file, cwd), file, cwd)
}

/** The key that orders of a fleet are given with, to sign with; null: its store is a folder of this machine, and needs none. */
export const signingKey = ({ fleet, keyFile }: FleetFile, { cwd }: Context): Key | null =>
  fleet.servers === null || keyFile === null ? null : readPrivateKey(keyFile, cwd)

function readPrivateKey(file: string, cwd: string): Key {
  const key = readKey(readText(resolve(cwd, file)))
  if (key !== null) return key
  throw new QstateError(problem('not-a-key', `${file} holds no private key, or a mistyped one`, AS_MADE))
}

const described = ({ publicKey }: Key, file: string, cwd: string): KeyFile => ({
  publicKey,
  file: resolve(cwd, file),
})

const AS_MADE = 'name what `qstate fleet key --out FILE` has written, as it was written'

function readText(path: string): string {
  const unreadable = (why: string): QstateError => new QstateError(problem('unreadable-key', why, AS_MADE))
  try {
    const found = readBytes(path)
    if (found === undefined) throw unreadable(`${path}: there is no such file or folder`)
    if ('fault' in found) throw unreadable(`${path}: ${found.fault}`)
    return found.bytes.toString('latin1')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw unreadable(systemProblem(Object.assign(error, { path })).message)
  }
}
