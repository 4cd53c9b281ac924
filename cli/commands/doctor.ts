import { runDoctor } from '../../app/doctor/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, type SpecOptions, targetOf, outStyle } from '../options.ts'
import { doctorView } from '../views/doctor.ts'
import { jsonText } from '../json.ts'

/** Checks the host and its Windows qubes, and suggests fixes. Reads only. */
export async function doctor(paths: readonly string[], options: SpecOptions, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const { release, examined } = await runDoctor(
    specLocation(paths, options, io),
    targetOf(options, io),
    context,
  )
  if (options.json === true) io.out(jsonText(withAdvice({ release, examined }, context)))
  else io.out(doctorView(examined, outStyle(options, io)))
  const hasProblem = examined.some(({ findings }) => findings.some(({ verdict }) => verdict === 'problem'))
  return hasProblem ? EXIT.error : EXIT.done
}
