import { join } from 'node:path'
import { baselineDocument } from '../documents/host/index.ts'
import { documentText, readFileDocument } from '../documents/read/index.ts'
import { type Baseline } from '../reconciler/index.ts'
import { type Problem } from '../spec/diagnostics/index.ts'
import { makeFolder, writeDurably } from './files.ts'

const fileIn = (stateFolder: string): string => join(stateFolder, 'owned', 'baseline.json')

/** What withdrawals on a host are measured against. One that cannot be read is told to `warn`, and is as good as none. */
export async function readBaseline(stateFolder: string, warn: (problem: Problem) => void): Promise<Baseline> {
  const read = await readFileDocument(baselineDocument, fileIn(stateFolder))
  if (read?.ok === false) warn(read.problem)
  return read?.ok === true ? read.value.owned : {}
}

export async function writeBaseline(stateFolder: string, owned: Baseline): Promise<void> {
  await makeFolder(join(stateFolder, 'owned'))
  await writeDurably(fileIn(stateFolder), documentText(baselineDocument, { owned }))
}
