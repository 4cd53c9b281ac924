import { validateAt } from '../../app/validate/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, type SpecOptions, outStyle } from '../options.ts'
import { placedDiagnostics, validationJson, validationView } from '../views/validate.ts'
import { jsonText } from '../json.ts'

/** Checks a spec without any host, or a fleet with the spec of every host of it. */
export async function validate(paths: readonly string[], options: SpecOptions, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const checked = await validateAt(specLocation(paths, options, io), context)
  if (options.json === true) io.out(jsonText(validationJson(checked)))
  else {
    context.report(placedDiagnostics(checked), checked.files)
    io.out(validationView(checked, outStyle(options, io)))
  }
  return checked.valid ? EXIT.done : EXIT.invalidSpec
}
