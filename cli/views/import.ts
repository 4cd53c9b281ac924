import { type ImportedSpec } from '../../app/import/index.ts'
import { fold, plural } from './style.ts'

/** What an import left out, for the person who goes on with it. */
export function importRemarks({ qubes, leftOut, noise, chosenFrom }: ImportedSpec, width: number): string {
  const are = qubes.length === 1 ? 'is' : 'are'
  return [
    ...(chosenFrom === null ? [] : [`${qubes.length} of ${plural(chosenFrom, 'qube')} ${are} HVM`]),
    ...(noise === 0
      ? []
      : [`${plural(noise, 'setting')} of guest and host for their own use left out; --all writes them`]),
    ...(leftOut.length === 0
      ? []
      : [`${plural(leftOut.length, 'thing')} could not be read or said: comments give the reasons`]),
    ...leftOut.flatMap(({ qube, path, owned }) =>
      owned && path !== null
        ? [`warning: qstate owns ${path} of ${qube}, and without it here a plan would remove it`]
        : [],
    ),
  ]
    .map((line) => `${fold(line, width, '')}\n`)
    .join('')
}
