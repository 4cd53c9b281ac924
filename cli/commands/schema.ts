import { EXIT } from '../../reconciler/report.ts'
import { manifestSchema } from '../../spec/manifest-schema.ts'
import { type Io } from '../io.ts'

export function schema(io: Io): Promise<number> {
  io.out(`${JSON.stringify(manifestSchema, null, 2)}\n`)
  return Promise.resolve(EXIT.done)
}
